// How a test case reports that this machine lacks what it needs.
#pragma once

#include <doctest/doctest.h>

#include <string>

namespace wix::test {

/// Set by skip() and read after each test case, by the main function of the test programs.
inline bool caseWasSkipped = false;

/// Reports that the test case cannot run here, and why. A program whose test cases were all skipped exits with 77, which
/// ctest shows as skipped; ./run test lists the reasons.
inline void skip(const std::string& reason) {
    caseWasSkipped = true;
    MESSAGE("skipped: ", reason);
}

}  // namespace wix::test
