# Functions that make this project's targets. Each folder's CMakeLists.txt is one call.

include(GNUInstallDirs)

# Precompiled headers, one a kind of source file. GCC uses a precompiled header only for files of the
# same flags, so each comes from a small object library of its own and everything here is compiled as
# position-independent code, tests included.
function(_vesta_add_pch name)
  cmake_parse_arguments(ARG "" "" "HEADERS;LIBRARIES" ${ARGN})
  if(VESTA_PCH)
    add_library(${name} OBJECT ${PROJECT_SOURCE_DIR}/cmake/pch.cc)
    target_link_libraries(${name} PRIVATE vesta_options vesta_common ${ARG_LIBRARIES})
    target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
  endif()
endfunction()

function(_vesta_use_pch target pch)
  if(VESTA_PCH AND TARGET ${pch})
    target_precompile_headers(${target} REUSE_FROM ${pch})
  endif()
endfunction()

function(vesta_define_common)
  add_library(vesta_common INTERFACE)
  target_include_directories(vesta_common INTERFACE ${PROJECT_SOURCE_DIR})
  target_link_libraries(vesta_common INTERFACE
    Libtorch::torch_cpu absl::status absl::statusor absl::strings absl::str_format absl::span
    absl::flat_hash_map absl::flat_hash_set absl::inlined_vector absl::cleanup absl::function_ref)

  set(product_headers <ATen/core/ivalue.h> <ATen/core/jit_type.h> <ATen/core/dispatch/Dispatcher.h>
      <absl/container/flat_hash_map.h> <absl/container/flat_hash_set.h> <absl/container/inlined_vector.h>
      <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/strings/str_format.h>)
  _vesta_add_pch(vesta_pch HEADERS ${product_headers})
  if(BUILD_TESTING)
    _vesta_add_pch(vesta_test_pch HEADERS ${product_headers} <gmock/gmock.h> <gtest/gtest.h>
                   LIBRARIES GTest::gmock GTest::gtest)
  endif()
endfunction()

# vesta_add_folder(NAME DEPENDS <lower folders> [LIBRARIES <third-party targets>])
# One static library `vesta_<NAME>` of the current folder's sources (the folder's own sub-folders too,
# but for those that have a CMakeLists.txt of their own). An empty folder makes an interface library.
function(vesta_add_folder name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  foreach(folder IN LISTS ARG_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${folder}/")
  endforeach()
  list(TRANSFORM ARG_DEPENDS PREPEND vesta_)
  if(sources)
    add_library(vesta_${name} STATIC ${sources})
    target_link_libraries(vesta_${name} PUBLIC vesta_common ${ARG_DEPENDS} PRIVATE ${ARG_LIBRARIES} vesta_options)
    _vesta_use_pch(vesta_${name} vesta_pch)
  else()
    add_library(vesta_${name} INTERFACE)
    target_link_libraries(vesta_${name} INTERFACE vesta_common ${ARG_DEPENDS})
  endif()
endfunction()

# vesta_add_test_folder(NAME LIBRARIES <targets> [ORACLE])
# One binary `vesta_<NAME>_test` of the current folder's *_test.cc and helpers; one ctest entry, because
# linking libtorch costs 0.2 s of start-up a process. Tests whose file ends in _slow_test.cc make a
# second binary with the label slow. ORACLE: torch::jit's headers may be included.
function(vesta_add_test_folder name)
  cmake_parse_arguments(ARG "ORACLE" "" "LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(slow_sources ${sources})
  list(FILTER slow_sources INCLUDE REGEX "_slow_test\\.cc$")
  set(helpers ${sources})
  list(FILTER helpers EXCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_slow_test\\.cc$")
  set(fast_sources ${sources})
  list(FILTER fast_sources INCLUDE REGEX "_test\\.cc$")
  if(fast_sources)
    _vesta_add_test(vesta_${name}_test fast "${sources}" "${ARG_LIBRARIES}" "${ARG_ORACLE}")
  endif()
  if(slow_sources)
    _vesta_add_test(vesta_${name}_slow_test slow "${slow_sources};${helpers}" "${ARG_LIBRARIES}" "${ARG_ORACLE}")
  endif()
endfunction()

function(_vesta_add_test target label sources libraries oracle)
  # Objects first: an executable's own sources would be compiled with -fPIE and miss the header.
  add_library(${target}_objects OBJECT ${sources})
  target_link_libraries(${target}_objects PUBLIC
    vesta_common ${libraries} vesta_test_support GTest::gmock GTest::gtest PRIVATE vesta_options)
  target_compile_definitions(${target}_objects PRIVATE
    VESTA_SOURCE_DIR="${PROJECT_SOURCE_DIR}" VESTA_BINARY_DIR="${PROJECT_BINARY_DIR}")
  if(oracle)
    target_link_libraries(${target}_objects PUBLIC Libtorch::frontend)
  endif()
  _vesta_use_pch(${target}_objects vesta_test_pch)
  add_executable(${target})
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${target} PRIVATE ${target}_objects GTest::gmock_main vesta_options)
  add_test(NAME ${target} COMMAND ${target} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  vesta_set_test_environment(${target} ${label})
endfunction()

function(vesta_set_test_environment test label)
  set(environment "")
  if(VESTA_SANITIZE STREQUAL "thread")
    list(APPEND environment TSAN_OPTIONS=ignore_noninstrumented_modules=1)
  elseif(VESTA_SANITIZE MATCHES "^(address|fuzzer)$")
    list(APPEND environment UBSAN_OPTIONS=print_stacktrace=1)
  endif()
  set_tests_properties(${test} PROPERTIES LABELS "${label}" ENVIRONMENT "${environment}" TIMEOUT 1500)
endfunction()

# What `find_package(vesta)` of another project needs.
function(vesta_install_package)
  set(destination ${CMAKE_INSTALL_LIBDIR}/cmake/vesta)
  include(CMakePackageConfigHelpers)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/vestaConfig.cmake.in ${PROJECT_BINARY_DIR}/vestaConfig.cmake @ONLY)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/vestaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/vestaConfig.cmake ${PROJECT_BINARY_DIR}/vestaConfigVersion.cmake
                ${PROJECT_SOURCE_DIR}/cmake/FindLibtorch.cmake DESTINATION ${destination})
  install(EXPORT vesta_targets NAMESPACE vesta:: DESTINATION ${destination})
endfunction()
