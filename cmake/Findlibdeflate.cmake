# libdeflate::libdeflate. Debian 12's package has no CMake files of its own; newer ones do, and are preferred.
find_package(libdeflate CONFIG QUIET)
if(TARGET libdeflate::libdeflate_shared AND NOT TARGET libdeflate::libdeflate)
  add_library(libdeflate::libdeflate ALIAS libdeflate::libdeflate_shared)
endif()
if(NOT TARGET libdeflate::libdeflate)
  find_path(LIBDEFLATE_INCLUDE_DIR libdeflate.h)
  find_library(LIBDEFLATE_LIBRARY deflate)
  mark_as_advanced(LIBDEFLATE_INCLUDE_DIR LIBDEFLATE_LIBRARY)
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(libdeflate REQUIRED_VARS LIBDEFLATE_LIBRARY LIBDEFLATE_INCLUDE_DIR)
  add_library(libdeflate::libdeflate UNKNOWN IMPORTED)
  set_target_properties(libdeflate::libdeflate PROPERTIES
                        IMPORTED_LOCATION "${LIBDEFLATE_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${LIBDEFLATE_INCLUDE_DIR}")
endif()
