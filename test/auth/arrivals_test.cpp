// Values by growing numbers: added, left, taken.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <vector>

#include "auth/arrivals.hpp"

using wix::detail::Arrivals;
using Ids = std::vector<std::uint64_t>;

TEST_CASE("taken in the order of arrival, and only once") {
    Arrivals<int> all;
    for (int i = 1; i <= 6; ++i) all.add(static_cast<std::uint64_t>(i) * 10, i);
    CHECK(all.take([](int value) { return value % 2 == 0; }) == Ids{20, 40, 60});
    CHECK(all.size() == 3);
    CHECK(all.take([](int value) { return value == 2; }).empty());
    CHECK(all.take([](int) { return true; }) == Ids{10, 30, 50});
    CHECK(all.empty());
    CHECK(all.first() == nullptr);
}

TEST_CASE("who leaves is neither counted, nor first, nor taken") {
    Arrivals<int> all;
    for (int i = 1; i <= 5; ++i) all.add(static_cast<std::uint64_t>(i), i);
    all.remove(1);
    all.remove(1);
    all.remove(3);
    all.remove(99);
    CHECK(all.size() == 3);
    CHECK(*all.first() == 2);
    CHECK(all.count([](int value) { return value < 4; }) == 1);
    CHECK(all.take([](int) { return true; }) == Ids{2, 4, 5});
}

TEST_CASE("against a map, at random") {
    std::mt19937 dice(7);
    for (int round = 0; round < 200; ++round) {
        Arrivals<unsigned> all;
        std::map<std::uint64_t, unsigned> model;
        std::uint64_t next = 1;
        for (int step = 0; step < 200; ++step) {
            const auto kind = dice() % 10;
            if (kind < 6) {
                const unsigned value = static_cast<unsigned>(dice() % 5);
                all.add(next, value);
                model.emplace(next++, value);
            } else if (kind < 9) {
                const std::uint64_t id = dice() % next;
                all.remove(id);
                model.erase(id);
            } else {
                const unsigned wanted = static_cast<unsigned>(dice() % 5);
                Ids expected;
                for (auto it = model.begin(); it != model.end();) {
                    if (it->second == wanted) expected.push_back(it->first);
                    it = it->second == wanted ? model.erase(it) : std::next(it);
                }
                CHECK(all.take([&](unsigned value) { return value == wanted; }) == expected);
            }
            REQUIRE(all.size() == model.size());
            if (!model.empty()) REQUIRE(*all.first() == model.begin()->second);
        }
    }
}
