#include "base/deadline_check.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

constexpr MonotonicTime start{std::chrono::hours(1)};

}  // namespace

TEST_CASE("a check of deadlines ends nothing if it runs a second late or more [C17]") {
    struct Case {
        std::chrono::nanoseconds lateness;
        bool expires;
    };
    for (const Case& one : {Case{-1s, true}, Case{0s, true}, Case{100ms, true}, Case{1s - 1ns, true}, Case{1s, false},
                            Case{25s, false}, Case{8h, false}}) {
        CAPTURE(one.lateness.count());
        DeadlineCheck check;
        check.plan(start);
        CHECK(check.planned() == start);
        CHECK(check.run(start + one.lateness) == one.expires);
    }
}

TEST_CASE("a second after a late check the next one ends what has passed, unless it is late as well [C17]") {
    DeadlineCheck check;
    check.plan(start);
    MonotonicTime now = start + 25s;
    CHECK_FALSE(check.run(now));
    for (int i = 1; i < 10; ++i) {  // a second of checks
        check.plan(now + DeadlineCheck::interval);
        now += DeadlineCheck::interval;
        CHECK_FALSE(check.run(now));
    }
    check.plan(now + DeadlineCheck::interval);
    now += 100ms;
    CHECK(check.run(now));
    check.plan(now + DeadlineCheck::interval);
    now += 100ms + 3s;
    CHECK_FALSE(check.run(now));
    check.plan(now + DeadlineCheck::grace);
    CHECK(check.run(now + DeadlineCheck::grace));
}

TEST_CASE("deadlines count in an event loop that is always late [C17]") {
    DeadlineCheck check;
    MonotonicTime now = start;
    std::vector<bool> expires;
    for (int i = 0; i < 5; ++i) {
        check.plan(now + DeadlineCheck::interval);
        now += DeadlineCheck::interval + DeadlineCheck::tolerance;
        expires.push_back(check.run(now));
    }
    CHECK(expires == std::vector<bool>{false, false, true, true, true});
    check.plan(now + DeadlineCheck::interval);
    CHECK(check.run(now + DeadlineCheck::interval));  // in time once,
    check.plan(now + 1s);
    CHECK_FALSE(check.run(now + 10s));  // it may be stopped again
}

TEST_CASE("deadlines are postponed while the planned check is late, and for a second after it [C17]") {
    DeadlineCheck check;
    CHECK_FALSE(check.isPostponed(start));  // none is planned
    check.plan(start);
    CHECK_FALSE(check.isPostponed(start - 1s));
    CHECK_FALSE(check.isPostponed(start + 999ms));
    CHECK(check.isPostponed(start + 1s));
    CHECK(check.isPostponed(start + 1h));
    CHECK_FALSE(check.run(start + 2s));
    CHECK(check.isPostponed(start + 2s));
    check.plan(start + 3s);
    CHECK(check.isPostponed(start + 3s - 1ms));
    CHECK_FALSE(check.isPostponed(start + 3s));
    CHECK(check.run(start + 3s));
    CHECK_FALSE(check.isPostponed(start + 3s + 1ms));
}
