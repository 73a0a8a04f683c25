# Nothing is silently absent: a part that this build leaves out is named when the build is configured, and stands in ctest
# as a skipped test whose output is the reason.
set(WIX_TEST_WITHOUT "" CACHE STRING "Labels of tests to leave out (presets for sanitizers and other compilers set it)")

# wix_left_out(name reason)
function(wix_left_out name reason)
  get_property(known GLOBAL PROPERTY wix_left_out)
  if(name IN_LIST known)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY wix_left_out "${name}")
  if(NOT PROJECT_IS_TOP_LEVEL)
    return()  # a project that uses the library wants neither tests nor examples
  endif()
  message(STATUS "Left out: ${name} (${reason})")
  if(WIX_BUILD_TESTS)
    add_test(NAME ${name} COMMAND "${CMAKE_COMMAND}" -E echo "skipped: ${reason}")
    set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "^skipped: " LABELS left_out)
  endif()
endfunction()

# wix_want_tests(label result): FALSE, and the label is reported as left out, if WIX_TEST_WITHOUT has it.
function(wix_want_tests label result)
  set(${result} TRUE PARENT_SCOPE)
  if(label IN_LIST WIX_TEST_WITHOUT)
    wix_left_out(${label} "WIX_TEST_WITHOUT has the label; the default preset runs these tests")
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()
