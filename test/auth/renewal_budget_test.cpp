#include "auth/renewal_budget.hpp"

#include <doctest/doctest.h>

using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

int takeAll(RenewalBudget& budget, BootTime now) {
    int taken = 0;
    while (taken < 100 && budget.take(now)) ++taken;
    return taken;
}

}  // namespace

TEST_CASE("a purse of five, and one more every 10 s") {
    RenewalBudget budget;
    BootTime now(1000s);
    CHECK(takeAll(budget, now) == 5);
    CHECK(takeAll(budget, now + 9s) == 0);
    CHECK(takeAll(budget, now + 10s) == 1);
    CHECK(takeAll(budget, now + 10s) == 0);
    CHECK(takeAll(budget, now + 39s) == 2);
}

TEST_CASE("the purse does not grow beyond five") {
    RenewalBudget budget;
    CHECK(takeAll(budget, BootTime(1000s)) == 5);
    CHECK(takeAll(budget, BootTime(1000s) + 24h) == 5);
}

TEST_CASE("the purse is full right after the machine has booted") {
    for (const auto uptime : {0s, 3s, 9s, 10s, 49s, 50s}) {
        CAPTURE(uptime.count());
        RenewalBudget budget;
        CHECK(takeAll(budget, BootTime(uptime)) == 5);
        CHECK(takeAll(budget, BootTime(uptime + 10s)) == 1);
    }
}

TEST_CASE("one at a time in a steady state") {
    RenewalBudget budget;
    BootTime now(1000s);
    takeAll(budget, now);
    for (int i = 0; i < 50; ++i) {
        now += 10s;
        CHECK(budget.take(now));
        CHECK_FALSE(budget.take(now));
    }
}
