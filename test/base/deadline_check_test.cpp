#include "base/deadline_check.hpp"

#include <doctest/doctest.h>

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

TEST_CASE("the check after a late one ends what has passed, unless it is late as well [C17]") {
    DeadlineCheck check;
    check.plan(start);
    MonotonicTime now = start + 25s;
    CHECK_FALSE(check.run(now));
    check.plan(now + DeadlineCheck::interval);
    now += 100ms;
    CHECK(check.run(now));
    check.plan(now + DeadlineCheck::interval);
    now += 100ms + 3s;
    CHECK_FALSE(check.run(now));
    check.plan(now + DeadlineCheck::interval);
    CHECK(check.run(now + 150ms));
}

TEST_CASE("deadlines are postponed while the planned check is late, and until the next one [C17]") {
    DeadlineCheck check;
    CHECK_FALSE(check.isPostponed(start));  // none is planned
    check.plan(start);
    CHECK_FALSE(check.isPostponed(start - 1s));
    CHECK_FALSE(check.isPostponed(start + 999ms));
    CHECK(check.isPostponed(start + 1s));
    CHECK(check.isPostponed(start + 1h));
    CHECK_FALSE(check.run(start + 2s));
    CHECK(check.isPostponed(start + 2s));
    check.plan(start + 2s + 100ms);
    CHECK(check.isPostponed(start + 2s + 99ms));
    CHECK_FALSE(check.isPostponed(start + 2s + 100ms));
    CHECK(check.run(start + 2s + 100ms));
    CHECK_FALSE(check.isPostponed(start + 2s + 101ms));
}
