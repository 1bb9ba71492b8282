# cmake -DSOURCE= -DBUILD= -DWORK= -DCXX= -DNN= -P run.cmake
# Installs Vesta into WORK, takes the first C++ block of README.md, builds it as another project does, with
# find_package(vesta), and runs it on an archive of the corpus. With NN, the same of a program on vesta_nn.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE status OUTPUT_VARIABLE text
                  ERROR_VARIABLE text)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " line)
    message(FATAL_ERROR "'${line}' failed with ${status}:\n${text}")
  endif()
  set(output "${text}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

file(READ ${SOURCE}/README.md readme)
string(FIND "${readme}" "```cpp\n" begin)
if(begin EQUAL -1)
  message(FATAL_ERROR "README.md has no C++ block")
endif()
math(EXPR begin "${begin} + 7")
string(SUBSTRING "${readme}" ${begin} -1 readme)
string(FIND "${readme}" "```" end)
string(SUBSTRING "${readme}" 0 ${end} example)
file(WRITE ${WORK}/example.cc "${example}")
file(COPY_FILE ${SOURCE}/tests/corpus/archives/vision_resnet18_scripted.pt ${WORK}/model.pt)

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/installed)
file(GLOB_RECURSE config ${WORK}/installed/*/vestaConfig.cmake)
get_filename_component(config "${config}" DIRECTORY)
run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE}/tests/package/consumer -B ${WORK}/build
    -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CXX_STANDARD=20 -DEXAMPLE=${WORK}/example.cc -Dvesta_DIR=${config})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)
if(NOT output MATCHES "tensor\\(")
  message(FATAL_ERROR "README.md's example printed no tensor:\n${output}")
endif()
if(EXISTS ${WORK}/build/trainer)
  run(${WORK}/build/trainer ${SOURCE}/tests/nn/data)
  if(NOT output MATCHES "step 6, parameters 4")
    message(FATAL_ERROR "the trainer on vesta::vesta_nn said:\n${output}")
  endif()
elseif(NN)
  message(FATAL_ERROR "vesta_nn was built, but the installed package has no target vesta::vesta_nn")
endif()
message(STATUS "README.md's example builds and runs on an installed Vesta")
