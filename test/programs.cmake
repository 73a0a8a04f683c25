# Tests that run a script: each is there once its script is.
find_program(WIX_BASH bash)
mark_as_advanced(WIX_BASH)

# wix_script_test(name script [SKIP_77] TIMEOUT s LABEL l [ARGS ...])
function(wix_script_test name script)
  cmake_parse_arguments(arg "SKIP_77" "TIMEOUT;LABEL" "ARGS" ${ARGN})
  file(GLOB found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${script}")
  if(NOT found OR NOT WIX_BASH)
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
wix_script_test(run_script test/repo/run_test.sh TIMEOUT 120 LABEL repo ARGS "${PROJECT_SOURCE_DIR}")

# The picture in docs/tokens.md is drawn by a script.
find_program(WIX_PYTHON python3)
mark_as_advanced(WIX_PYTHON)
if(WIX_PYTHON)
  add_test(NAME token_timeline COMMAND "${WIX_PYTHON}" "${PROJECT_SOURCE_DIR}/tools/token_timeline.py"
                                       --check "${PROJECT_SOURCE_DIR}/docs/tokens.svg")
  set_tests_properties(token_timeline PROPERTIES TIMEOUT 30 LABELS repo)
endif()

# What conducts the benchmarks, without running any.
find_package(Python3 3.10 QUIET COMPONENTS Interpreter)
if(Python3_Interpreter_FOUND)
  add_test(NAME conductor COMMAND "${CMAKE_COMMAND}" -E env PYTHONDONTWRITEBYTECODE=1
    "${Python3_EXECUTABLE}" -m unittest discover -s "${CMAKE_CURRENT_SOURCE_DIR}/benchmarks")
  set_tests_properties(conductor PROPERTIES TIMEOUT 60 LABELS repo FAIL_REGULAR_EXPRESSION "Ran 0 tests")
endif()

if(TARGET wix_fake AND WIX_BUILD_EXAMPLES)
  wix_script_test(demo examples/run_demo.sh TIMEOUT 120 LABEL demo ARGS "${PROJECT_BINARY_DIR}")
endif()
if(TARGET wix_fake)
  file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/js")
  wix_script_test(js_sdk test/js/run.sh SKIP_77 TIMEOUT 300 LABEL js
                  ARGS "$<TARGET_FILE:wix_fake>" "${CMAKE_CURRENT_BINARY_DIR}/js")
endif()

if(TARGET wix_fake AND TARGET storefront)
  file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/browser")
  wix_script_test(browser test/browser/run.sh SKIP_77 TIMEOUT 420 LABEL browser
                  ARGS "$<TARGET_FILE:storefront>" "$<TARGET_FILE:wix_fake>" "${CMAKE_CURRENT_BINARY_DIR}/browser")
  # A sanitizer keeps freed memory for a while, which looks like growth.
  if(NOT WIX_SANITIZE)
    wix_script_test(shop_load test/shop/load.sh SKIP_77 TIMEOUT 120 LABEL shop
                    ARGS "$<TARGET_FILE:storefront>" "$<TARGET_FILE:wix_fake>" 3)
  endif()
endif()

# Projects of users: one finds the installed package, one has the sources in its own tree. They run one after the other,
# since each compiles.
if(TARGET wix::testing AND WIX_INSTALL)
  foreach(way IN ITEMS find_package add_subdirectory)
    add_test(NAME consumer.${way} COMMAND "${CMAKE_COMMAND}"
      -DWAY=${way}
      "-DWIX_SOURCE=${PROJECT_SOURCE_DIR}"
      "-DWIX_BINARY=${PROJECT_BINARY_DIR}"
      "-DWORK=${CMAKE_CURRENT_BINARY_DIR}/consumer/${way}"
      "-DGENERATOR=${CMAKE_GENERATOR}"
      "-DCXX=${CMAKE_CXX_COMPILER}"
      "-DLAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}"
      "-DPREFIX_PATH=${CMAKE_PREFIX_PATH}"
      -P "${CMAKE_CURRENT_SOURCE_DIR}/consumer/run.cmake")
    set_tests_properties(consumer.${way} PROPERTIES TIMEOUT 900 LABELS consumer RESOURCE_LOCK consumer)
  endforeach()
endif()
