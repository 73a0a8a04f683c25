# The ctest `simulation`: the seeds that have failed once, 100 000 fixed ones, and 100 000 that are new with each commit.
# Usage: cmake -DSIMULATE=program -DSOURCE=directory -P run_simulation.cmake
set(seeds 100000)
set(base 30000000)  # without git
find_program(git git)
if(git)
  execute_process(COMMAND "${git}" -C "${SOURCE}" rev-parse HEAD OUTPUT_VARIABLE commit ERROR_QUIET RESULT_VARIABLE failed)
  if(failed EQUAL 0)
    string(SUBSTRING "${commit}" 0 7 start)
    math(EXPR base "1000000000 + 0x${start} * ${seeds}")
  endif()
endif()
message("the seeds of this commit begin at ${base}")

foreach(stories "--list;${SOURCE}/found_seeds.txt" "--from;1;--seeds;${seeds}" "--from;${base};--seeds;${seeds}")
  execute_process(COMMAND "${SIMULATE}" ${stories} RESULT_VARIABLE failed)
  if(NOT failed EQUAL 0)
    message(FATAL_ERROR "a story violated a rule: once it is fixed, its seed joins found_seeds.txt")
  endif()
endforeach()
