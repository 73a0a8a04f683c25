// Numbers that grow with arrival, and places that are used again.
#include <doctest/doctest.h>

#include <memory>
#include <utility>
#include <vector>

#include "auth/waiter_slots.hpp"

using wix::detail::WaiterSlots;

TEST_CASE("ids grow with the order of arrival, also in places that were used before") {
    WaiterSlots<int> slots;
    std::uint64_t last = 0;
    std::vector<std::uint64_t> ids;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 5; ++i) {
            const auto id = slots.put(i);
            CHECK(id > last);
            last = id;
            ids.push_back(id);
        }
        CHECK(slots.take(ids[ids.size() - 3]) == 2);
        CHECK(slots.take(ids[ids.size() - 1]) == 4);
    }
}

TEST_CASE("who has gone is not found again, nor under the number of who came before to the same place") {
    WaiterSlots<std::shared_ptr<int>> slots;
    const auto first = slots.put(std::make_shared<int>(1));
    CHECK(*slots.take(first) == 1);
    CHECK(slots.take(first) == nullptr);
    const auto second = slots.put(std::make_shared<int>(2));
    CHECK(slots.take(first) == nullptr);
    CHECK(*slots.take(second) == 2);
    CHECK(slots.take(12345) == nullptr);
}

TEST_CASE("the id 0 is nobody's: who leaves before arriving takes no place away") {
    WaiterSlots<std::shared_ptr<int>> slots;
    slots.take(slots.put(std::make_shared<int>(1)));
    CHECK(slots.take(0) == nullptr);
    const auto first = slots.put(std::make_shared<int>(2));
    const auto second = slots.put(std::make_shared<int>(3));
    CHECK(*slots.take(first) == 2);
    CHECK(*slots.take(second) == 3);
}

TEST_CASE("a waiter is let go when it is taken, not when its place is used again") {
    WaiterSlots<std::shared_ptr<int>> slots;
    const auto waiter = std::make_shared<int>(1);
    const auto id = slots.put(waiter);
    CHECK(waiter.use_count() == 2);
    slots.take(id);
    CHECK(waiter.use_count() == 1);
}
