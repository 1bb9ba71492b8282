# Compiler flags of our own targets: `vesta_options` (an interface target that every one of them links).

option(VESTA_CHECKED "verify the IR after every step and check what release builds assume" OFF)
option(VESTA_WERROR "warnings are errors" OFF)
option(VESTA_PCH "precompiled headers" ON)
option(VESTA_CCACHE "use ccache where it is installed" ON)
option(VESTA_COVERAGE "instrument for gcov" OFF)
set(VESTA_SANITIZE "" CACHE STRING "address (with undefined), thread, or fuzzer")

set(CMAKE_CXX_STANDARD 20 CACHE STRING "C++ standard; 20 is the least")
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# A RUNPATH to the libtorch that was named, and to oneDNN: no LD_LIBRARY_PATH anywhere.
set(CMAKE_BUILD_RPATH "${Libtorch_LIBRARY_DIR}" "${OneDNN_LIBRARY_DIR}")
set(CMAKE_INSTALL_RPATH "${Libtorch_LIBRARY_DIR}" "${OneDNN_LIBRARY_DIR}")

add_library(vesta_options INTERFACE)
target_compile_options(vesta_options INTERFACE
  -Wall -Wextra -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Wcast-align
  -Wformat=2 -Wunused -Wvla
  # Designated initializers that leave the rest at its default are how options are written here.
  -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local -Wduplicated-cond -Wlogical-op -Winvalid-pch>
  $<$<CXX_COMPILER_ID:Clang>:-Wshadow -Wno-unused-command-line-argument>
  $<$<BOOL:${VESTA_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # ccache reads a precompiled header's includes from the preprocessed text.
  target_compile_options(vesta_options INTERFACE -fpch-preprocess)
endif()
# NDEBUG in every preset, as libtorch itself was built: some of its headers' classes and inline functions
# differ by it. Our own checks hang on VESTA_CHECKED instead; there is no assert() here.
target_link_options(vesta_options INTERFACE LINKER:--as-needed)
target_compile_definitions(vesta_options INTERFACE NDEBUG $<$<BOOL:${VESTA_CHECKED}>:VESTA_CHECKED=1>)

if(VESTA_SANITIZE STREQUAL "address")
  # vptr would need the type information of c10::DynamicType, which libtorch hides (DictType::create asks for it).
  set(_sanitize -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(vesta_options INTERFACE ${_sanitize} -D_GLIBCXX_ASSERTIONS)
  target_link_options(vesta_options INTERFACE ${_sanitize})
elseif(VESTA_SANITIZE STREQUAL "thread")
  target_compile_options(vesta_options INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(vesta_options INTERFACE -fsanitize=thread)
elseif(VESTA_SANITIZE STREQUAL "fuzzer")
  # The flags of `address`, with coverage for libFuzzer: the tests of this preset run as those of asan. vptr and function
  # would need libtorch itself to be built with clang's type information. Without inlining: libraries' templates that are
  # inlined would bring their edges with them.
  set(_sanitize -fsanitize=address,undefined -fno-sanitize=vptr,function -fno-sanitize-recover=all
      -fno-omit-frame-pointer)
  target_compile_options(vesta_options INTERFACE ${_sanitize} -fsanitize=fuzzer-no-link
    -fsanitize-coverage-allowlist=${PROJECT_SOURCE_DIR}/tests/fuzz/coverage.txt -fno-inline -D_GLIBCXX_ASSERTIONS)
  target_link_options(vesta_options INTERFACE ${_sanitize})
elseif(NOT VESTA_SANITIZE STREQUAL "")
  message(FATAL_ERROR "VESTA_SANITIZE is '${VESTA_SANITIZE}'; expected address, thread, fuzzer or nothing")
endif()
if(VESTA_COVERAGE)
  target_compile_options(vesta_options INTERFACE --coverage -fprofile-update=atomic -fprofile-abs-path)
  target_link_options(vesta_options INTERFACE --coverage)
endif()

# ccache, with what it needs to be of use with precompiled headers and in more than one build folder:
# paths below the common parent of source and build folder are made relative before they are hashed.
if(VESTA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(VESTA_CCACHE_PROGRAM ccache)
  if(VESTA_CCACHE_PROGRAM)
    set(_base "${PROJECT_SOURCE_DIR}")
    string(LENGTH "${_base}" _length)
    string(FIND "${CMAKE_BINARY_DIR}/" "${_base}/" _inside)
    while(NOT _inside EQUAL 0 AND NOT _base STREQUAL "/")
      get_filename_component(_base "${_base}" DIRECTORY)
      string(FIND "${CMAKE_BINARY_DIR}/" "${_base}/" _inside)
    endwhile()
    set(CMAKE_CXX_COMPILER_LAUNCHER
        "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_NOHASHDIR=1
        "CCACHE_BASEDIR=${_base}" CCACHE_COMPILERCHECK=content "${VESTA_CCACHE_PROGRAM}")
  endif()
endif()
