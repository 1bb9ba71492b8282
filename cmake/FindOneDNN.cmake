# Finds oneDNN for CPU on libtorch's own OpenMP runtime (libgomp), without its CMake package: the wheels have none.
#
# Input
#   VESTA_ONEDNN   a folder with lib/libdnnl.so.3 and include/oneapi/dnnl. Unset: the folder `onednn` beside libtorch,
#                  where the pinned wheels are unpacked, else that of .deps/libtorch-2.11.0.
# Output
#   OneDNN::dnnl, OneDNN_VERSION, OneDNN_LIBRARY_DIR
#
# libtorch's wheels carry another version's headers of the same names: this target's folder must come first among the
# include folders of what uses it, so it is no system folder.

set(VESTA_ONEDNN "" CACHE PATH "oneDNN 3.2 or newer: a folder that holds lib and include")
set(_onednn_root "")
foreach(_candidate "${VESTA_ONEDNN}" "${Libtorch_ROOT_NAMED}/onednn"
        "${PROJECT_SOURCE_DIR}/.deps/libtorch-2.11.0/site-packages/onednn")
  if(NOT _candidate STREQUAL "" AND EXISTS "${_candidate}/lib/libdnnl.so.3" AND
     EXISTS "${_candidate}/include/oneapi/dnnl/dnnl.hpp")
    set(_onednn_root "${_candidate}")
    break()
  endif()
endforeach()
if(_onednn_root STREQUAL "")
  message(FATAL_ERROR "oneDNN is not there: './dev setup' downloads it beside libtorch, or name a folder that holds "
                      "lib/libdnnl.so.3 and include/oneapi/dnnl with -DVESTA_ONEDNN=<folder>")
endif()

set(_onednn_numbers "")
file(STRINGS "${_onednn_root}/include/oneapi/dnnl/dnnl_version.h" _lines
     REGEX "^#define DNNL_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
foreach(_line IN LISTS _lines)
  string(REGEX REPLACE ".* ([0-9]+)$" "\\1" _number "${_line}")
  list(APPEND _onednn_numbers "${_number}")
endforeach()
list(JOIN _onednn_numbers "." OneDNN_VERSION)
if(OneDNN_VERSION VERSION_LESS 3.2 OR OneDNN_VERSION VERSION_GREATER_EQUAL 4)
  message(FATAL_ERROR "oneDNN ${OneDNN_VERSION} in '${_onednn_root}' is not supported: 3.2 or newer of version 3 is needed")
endif()

set(OneDNN_LIBRARY_DIR "${_onednn_root}/lib")
if(NOT TARGET OneDNN::dnnl)
  add_library(OneDNN::dnnl SHARED IMPORTED GLOBAL)
  set_target_properties(OneDNN::dnnl PROPERTIES
    IMPORTED_LOCATION "${OneDNN_LIBRARY_DIR}/libdnnl.so.3"
    IMPORTED_SONAME libdnnl.so.3
    IMPORTED_NO_SYSTEM ON
    INTERFACE_INCLUDE_DIRECTORIES "${_onednn_root}/include")
  # Its own need, libgomp, is libtorch's: already in the process when libtorch_cpu is.
  set_property(TARGET OneDNN::dnnl PROPERTY INTERFACE_LINK_OPTIONS "LINKER:-rpath-link,${Libtorch_LIBRARY_DIR}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OneDNN REQUIRED_VARS OneDNN_LIBRARY_DIR VERSION_VAR OneDNN_VERSION)
