# Finds libtorch's CPU libraries without a CUDA toolkit, Caffe2's CMake files or Python at build time.
#
# Input
#   VESTA_LIBTORCH   one of
#     * a `site-packages` folder of unpacked wheels (holding torch/lib and torch/include),
#     * an unpacked LibTorch (a folder holding lib and include),
#     * `python`: the torch that `python3` imports.
#     Unset: .deps/libtorch-2.11.0/site-packages in the source folder, which `./dev setup` makes.
# Output
#   Libtorch::c10         libc10.so and the headers
#   Libtorch::torch_cpu   libtorch_cpu.so, always kept as a dependency; brings Libtorch::c10
#   Libtorch::frontend    the include folder of torch/torch.h and torch/script.h: tests, bench and vesta_nn only
#   Libtorch_VERSION, Libtorch_LIBRARY_DIR, Libtorch_ROOT_NAMED (what was named, made absolute)

set(VESTA_LIBTORCH "" CACHE STRING
    "libtorch: a site-packages folder of wheels, an unpacked LibTorch, or 'python'")
set(_libtorch_supported 2.11.0 2.15.0)

set(_libtorch_named "${VESTA_LIBTORCH}")
if(_libtorch_named STREQUAL "")
  set(_libtorch_named "${PROJECT_SOURCE_DIR}/.deps/libtorch-2.11.0/site-packages")
  if(NOT EXISTS "${_libtorch_named}/torch")
    message(FATAL_ERROR "libtorch is not there: run './dev setup', which downloads the pinned wheel, "
                        "or name one with -DVESTA_LIBTORCH=<folder> or -DVESTA_LIBTORCH=python")
  endif()
elseif(_libtorch_named STREQUAL "python")
  find_program(VESTA_PYTHON NAMES python3 python)
  # find_spec does not import torch: that would take seconds.
  execute_process(
    COMMAND "${VESTA_PYTHON}" -c
            "import importlib.util as u, os; s = u.find_spec('torch'); print(os.path.dirname(os.path.dirname(s.origin)) if s and s.origin else '')"
    OUTPUT_VARIABLE _libtorch_named OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(_libtorch_named STREQUAL "")
    message(FATAL_ERROR "VESTA_LIBTORCH=python, but '${VESTA_PYTHON}' has no torch: install it there, "
                        "or name a folder with -DVESTA_LIBTORCH=<folder>")
  endif()
endif()

get_filename_component(_libtorch_named "${_libtorch_named}" ABSOLUTE BASE_DIR "${CMAKE_BINARY_DIR}")
set(_libtorch_root "")
foreach(_candidate "${_libtorch_named}/torch" "${_libtorch_named}")
  if(EXISTS "${_candidate}/lib/libtorch_cpu.so" AND EXISTS "${_candidate}/include/ATen")
    set(_libtorch_root "${_candidate}")
    break()
  endif()
endforeach()
if(_libtorch_root STREQUAL "")
  message(FATAL_ERROR "VESTA_LIBTORCH: '${_libtorch_named}' holds neither torch/lib/libtorch_cpu.so and "
                      "torch/include (wheels) nor lib/libtorch_cpu.so and include (LibTorch)")
endif()

# Version 2.11 and newer keep the numbers in headeronly; older ones, which are refused below, elsewhere.
set(_libtorch_numbers "")
foreach(_header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
  if(EXISTS "${_libtorch_root}/include/${_header}")
    file(STRINGS "${_libtorch_root}/include/${_header}" _lines
         REGEX "^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
    foreach(_line IN LISTS _lines)
      string(REGEX REPLACE ".* ([0-9]+)$" "\\1" _number "${_line}")
      list(APPEND _libtorch_numbers "${_number}")
    endforeach()
    if(_libtorch_numbers)
      break()
    endif()
  endif()
endforeach()
list(JOIN _libtorch_numbers "." Libtorch_VERSION)
if(NOT Libtorch_VERSION IN_LIST _libtorch_supported)
  list(JOIN _libtorch_supported " and " _libtorch_list)
  if(Libtorch_VERSION STREQUAL "")
    set(Libtorch_VERSION "of an unknown version")
  endif()
  message(FATAL_ERROR "libtorch ${Libtorch_VERSION} in '${_libtorch_root}' is not supported: "
                      "Vesta is built and tested with ${_libtorch_list}. './dev setup' downloads 2.11.0, "
                      "'./dev setup --libtorch 2.15.0' the newest")
endif()

set(Libtorch_LIBRARY_DIR "${_libtorch_root}/lib")
set(Libtorch_ROOT_NAMED "${_libtorch_named}")
# Both supported versions are built with the new std::string only; LibTorch's pre-cxx11 builds ended with 2.7.
set(_libtorch_definitions _GLIBCXX_USE_CXX11_ABI=1)

if(NOT TARGET Libtorch::c10)
  add_library(Libtorch::c10 SHARED IMPORTED GLOBAL)
  set_target_properties(Libtorch::c10 PROPERTIES
    IMPORTED_LOCATION "${Libtorch_LIBRARY_DIR}/libc10.so"
    IMPORTED_SONAME libc10.so
    INTERFACE_INCLUDE_DIRECTORIES "${_libtorch_root}/include"
    INTERFACE_COMPILE_DEFINITIONS "${_libtorch_definitions}")

  # libtorch_cpu registers its operators from static objects: the linker must keep it even where no
  # symbol of it is named. One flag holds it all, because CMake may move separate ones apart.
  add_library(Libtorch::torch_cpu INTERFACE IMPORTED GLOBAL)
  # -rpath-link lets the linker resolve what libtorch_cpu needs itself (NVIDIA's small runtime
  # libraries in the wheels' layout, libgomp) without those becoming our dependencies.
  set(_libtorch_nvidia "")
  foreach(_folder "${_libtorch_root}/../nvidia/cu13/lib" "${Libtorch_LIBRARY_DIR}")
    if(EXISTS "${_folder}")
      list(APPEND _libtorch_nvidia "LINKER:-rpath-link,${_folder}")
    endif()
  endforeach()
  target_link_options(Libtorch::torch_cpu INTERFACE ${_libtorch_nvidia})
  target_link_libraries(Libtorch::torch_cpu INTERFACE
    "-Wl,--push-state,--no-as-needed,${Libtorch_LIBRARY_DIR}/libtorch_cpu.so,--pop-state" Libtorch::c10)

  add_library(Libtorch::frontend INTERFACE IMPORTED GLOBAL)
  set_target_properties(Libtorch::frontend PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_libtorch_root}/include/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES Libtorch::torch_cpu)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libtorch REQUIRED_VARS Libtorch_LIBRARY_DIR VERSION_VAR Libtorch_VERSION)
