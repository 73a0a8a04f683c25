# Builds and runs a consumer's project: cmake -DWAY=... -DWIX_SOURCE=... -DWIX_BINARY=... -DWORK=... -P run.cmake
cmake_minimum_required(VERSION 3.25)

function(step)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "failed (${code}): ${command}")
  endif()
endfunction()

set(options -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${CXX}" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0)
if(PREFIX_PATH)
  list(APPEND options "-DCMAKE_PREFIX_PATH=${PREFIX_PATH}")
endif()
if(LAUNCHER)
  list(APPEND options "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}")
endif()

if(WAY STREQUAL "find_package")
  # A prefix of its own, made anew: nothing of an earlier install may help.
  file(REMOVE_RECURSE "${WORK}")
  step("${CMAKE_COMMAND}" --install "${WIX_BINARY}" --prefix "${WORK}/prefix")
  list(APPEND options "-Dwix_ROOT=${WORK}/prefix")
else()
  list(APPEND options "-DWIX_SOURCE=${WIX_SOURCE}")
endif()

step("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/${WAY}" -B "${WORK}/build" ${options})
# Ninja alone would start one compiler more than there are cores, next to the other tests.
set(jobs 2)
if(DEFINED ENV{CMAKE_BUILD_PARALLEL_LEVEL})
  set(jobs "$ENV{CMAKE_BUILD_PARALLEL_LEVEL}")
endif()
step("${CMAKE_COMMAND}" --build "${WORK}/build" --target consumer -j ${jobs})
step("${WORK}/build/consumer")
