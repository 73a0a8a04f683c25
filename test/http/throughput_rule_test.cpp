#include "http/throughput_rule.hpp"

#include <doctest/doctest.h>

using namespace wix::detail;
using namespace std::chrono_literals;

TEST_CASE("so many bytes within the time move the deadline; fewer, however often, do not") {
    constexpr MonotonicTime start{};
    ThroughputRule rule(20s, 1000);
    CHECK(rule.begin(start) == start + 20s);
    for (int i = 1; i < 20; ++i) CHECK_FALSE(rule.moved(50, start + i * 1s));
    CHECK(rule.moved(50, start + 19s + 500ms) == start + 39s + 500ms);
    // The count begins anew: what came before does not pay for later.
    CHECK_FALSE(rule.moved(999, start + 20s));
    CHECK(rule.moved(1, start + 21s) == start + 41s);
    CHECK(rule.moved(5000, start + 22s) == start + 42s);
    CHECK_FALSE(rule.moved(999, start + 23s));
}
