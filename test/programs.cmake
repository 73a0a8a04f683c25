# Tests that run a script: each is there once its script is.
find_program(WIX_BASH bash)
mark_as_advanced(WIX_BASH)

# wix_script_test(name script [SKIP_77] TIMEOUT s LABEL l [ARGS ...])
function(wix_script_test name script)
  cmake_parse_arguments(arg "SKIP_77" "TIMEOUT;LABEL" "ARGS" ${ARGN})
  wix_want_tests(${arg_LABEL} wanted)
  file(GLOB found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${script}")
  if(NOT wanted OR NOT found)
    return()
  endif()
  if(NOT WIX_BASH)
    wix_left_out(${name} "there is no bash")
    return()
  endif()
  add_test(NAME ${name} COMMAND "${WIX_BASH}" "${PROJECT_SOURCE_DIR}/${script}" ${arg_ARGS}
           WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS ${arg_LABEL})
  if(arg_SKIP_77)
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
  endif()
endfunction()

wix_script_test(check_files test/repo/check_files.sh TIMEOUT 300 LABEL repo ARGS "${PROJECT_SOURCE_DIR}")
wix_script_test(check_files_itself test/repo/check_files_test.sh TIMEOUT 300 LABEL repo)
wix_script_test(check_snippets test/docs/check_snippets.sh TIMEOUT 60 LABEL repo ARGS "${PROJECT_SOURCE_DIR}")
wix_script_test(check_snippets_itself test/docs/check_snippets_test.sh TIMEOUT 60 LABEL repo)
wix_script_test(check_fake test/docs/check_fake.sh SKIP_77 TIMEOUT 60 LABEL repo ARGS "${PROJECT_SOURCE_DIR}")
wix_script_test(check_fake_itself test/docs/check_fake_test.sh SKIP_77 TIMEOUT 60 LABEL repo)
wix_script_test(check_failure_modes test/docs/check_failure_modes.sh SKIP_77 TIMEOUT 60 LABEL repo ARGS "${PROJECT_SOURCE_DIR}")
wix_script_test(check_failure_modes_itself test/docs/check_failure_modes_test.sh SKIP_77 TIMEOUT 60 LABEL repo)
wix_script_test(left_out test/repo/left_out_test.sh TIMEOUT 300 LABEL repo ARGS "${PROJECT_SOURCE_DIR}"
                -G "${CMAKE_GENERATOR}" "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}" "-DCMAKE_PREFIX_PATH=${CMAKE_PREFIX_PATH}")
if(TARGET unit_tests)
  wix_script_test(machine test/repo/machine_test.sh SKIP_77 TIMEOUT 60 LABEL repo ARGS "$<TARGET_FILE:unit_tests>")
endif()
wix_script_test(run_script test/repo/run_test.sh TIMEOUT 120 LABEL repo ARGS "${PROJECT_SOURCE_DIR}")

# Of Python: the picture in docs/tokens.md is drawn by a script, and the benchmarks are conducted by one, which is tested
# without running any.
wix_want_tests(repo wanted)
if(wanted)
  find_package(Python3 3.10 QUIET COMPONENTS Interpreter)
  if(Python3_Interpreter_FOUND)
    add_test(NAME token_timeline COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tools/token_timeline.py"
                                         --check "${PROJECT_SOURCE_DIR}/docs/tokens.svg")
    set_tests_properties(token_timeline PROPERTIES TIMEOUT 30 LABELS repo)
    add_test(NAME conductor COMMAND "${CMAKE_COMMAND}" -E env PYTHONDONTWRITEBYTECODE=1
      "${Python3_EXECUTABLE}" -m unittest discover -s "${CMAKE_CURRENT_SOURCE_DIR}/benchmarks")
    set_tests_properties(conductor PROPERTIES TIMEOUT 60 LABELS repo FAIL_REGULAR_EXPRESSION "Ran 0 tests")
  else()
    wix_left_out(token_timeline "there is no python3 >= 3.10; Debian: python3")
    wix_left_out(conductor "there is no python3 >= 3.10; Debian: python3")
  endif()
endif()

if(TARGET wix_fake AND WIX_BUILD_EXAMPLES)
  wix_script_test(demo examples/run_demo.sh TIMEOUT 120 LABEL demo ARGS "${PROJECT_BINARY_DIR}")
else()
  wix_left_out(demo "it needs wix::testing and the examples")
endif()
if(TARGET wix_fake)
  file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/js")
  wix_script_test(js_sdk test/js/run.sh SKIP_77 TIMEOUT 300 LABEL js
                  ARGS "$<TARGET_FILE:wix_fake>" "${CMAKE_CURRENT_BINARY_DIR}/js")
else()
  wix_left_out(js_sdk "it needs wix::testing")
endif()

if(TARGET wix_fake AND TARGET storefront)
  file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/browser")
  wix_script_test(browser test/browser/run.sh SKIP_77 TIMEOUT 420 LABEL browser
                  ARGS "$<TARGET_FILE:storefront>" "$<TARGET_FILE:wix_fake>" "${CMAKE_CURRENT_BINARY_DIR}/browser")
  if(WIX_SANITIZE)
    wix_left_out(shop_load "a sanitizer keeps freed memory for a while, which looks like growth")
  else()
    wix_script_test(shop_load test/shop/load.sh SKIP_77 TIMEOUT 120 LABEL shop
                    ARGS "$<TARGET_FILE:storefront>" "$<TARGET_FILE:wix_fake>" 3)
  endif()
else()
  wix_left_out(browser "it needs wix::testing and the examples")
  wix_left_out(shop_load "it needs wix::testing and the examples")
endif()

# Projects of users: one finds the installed package, one has the sources in its own tree. They run one after the other,
# since each compiles.
wix_want_tests(consumer wanted)
if(wanted AND NOT (TARGET wix::testing AND WIX_INSTALL))
  wix_left_out(consumer "WIX_INSTALL or WIX_BUILD_TESTING is OFF")
elseif(wanted)
  # The compiler cache alone: settings before it, as a list, would not survive the way to the project.
  set(launcher "${CMAKE_CXX_COMPILER_LAUNCHER}")
  if(launcher)
    list(GET launcher -1 launcher)
  endif()
  foreach(way IN ITEMS find_package add_subdirectory)
    add_test(NAME consumer.${way} COMMAND "${CMAKE_COMMAND}"
      -DWAY=${way}
      "-DWIX_SOURCE=${PROJECT_SOURCE_DIR}"
      "-DWIX_BINARY=${PROJECT_BINARY_DIR}"
      "-DWORK=${CMAKE_CURRENT_BINARY_DIR}/consumer/${way}"
      "-DGENERATOR=${CMAKE_GENERATOR}"
      "-DCXX=${CMAKE_CXX_COMPILER}"
      "-DLAUNCHER=${launcher}"
      "-DPREFIX_PATH=${CMAKE_PREFIX_PATH}"
      -P "${CMAKE_CURRENT_SOURCE_DIR}/consumer/run.cmake")
    set_tests_properties(consumer.${way} PROPERTIES TIMEOUT 900 LABELS consumer RESOURCE_LOCK consumer)
  endforeach()
endif()
