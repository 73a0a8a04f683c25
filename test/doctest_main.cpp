// The main function of every test program. Exit code 77: every test case was skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <stdlib.h>

#include "support/machine.hpp"
#include "support/skip.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

/// Counts the test cases that ran, and those that were skipped.
struct SkipCounter : doctest::IReporter {
    explicit SkipCounter(const doctest::ContextOptions&) {}

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats&) override {}
    void test_case_start(const doctest::TestCaseData&) override {
        ++ran;
        wix::test::caseWasSkipped = false;
    }
    void test_case_reenter(const doctest::TestCaseData&) override {}
    /// A test case that skips a part of its work, and checks another, has run.
    void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
        if (wix::test::caseWasSkipped && stats.numAssertsCurrentTest == 0) ++skipped;
    }
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}

    static inline int ran = 0;
    static inline int skipped = 0;
};

}  // namespace

REGISTER_LISTENER("skips", 1, SkipCounter);

int main(int argc, char** argv) {
    // The trust store of the machine may be empty (Debian without ca-certificates), or may trust anything.
    ::setenv("SSL_CERT_FILE", WIX_TEST_TRUST_STORE, 1);
    ::setenv("SSL_CERT_DIR", "/nonexistent", 1);
    if (const std::string problem = wix::test::machineProblem(); !problem.empty()) {
        std::fprintf(stderr, "%s\n", problem.c_str());
        std::fflush(stderr);
        std::_Exit(1);  // the look-up may still be in progress
    }
    doctest::Context context(argc, argv);
    const int code = context.run();
    if (code != 0 || context.shouldExit()) return code;
    return SkipCounter::ran > 0 && SkipCounter::ran == SkipCounter::skipped ? 77 : 0;
}
