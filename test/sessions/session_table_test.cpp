#include "sessions/session_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <set>
#include <string>

using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

using Table = SessionTable<int>;

/// Keys that live as long as the program.
std::string_view keyOf(int number) {
    static std::deque<std::string> all;
    while (all.size() <= static_cast<std::size_t>(number)) all.push_back(std::to_string(all.size()));
    return all[static_cast<std::size_t>(number)];
}
constexpr TableTime start{};

bool all(const int&) { return true; }
bool none(const int&) { return false; }

/// A table of 1, 2, ... with the keys "1", "2", ..., used at so many seconds.
struct Filled {
    explicit Filled(std::size_t limit, int count) : table(SessionTableLimits(limit, 10s)) {
        for (int i = 1; i <= count; ++i) table.insert(keyOf(i), i, start + i * 1s);
    }
    Table table;
    std::vector<int> removed;
};

}  // namespace

TEST_CASE("a value is found by its key") {
    Filled at(3, 2);
    CHECK(at.table.size() == 2);
    REQUIRE(at.table.find("2", start));
    CHECK(*at.table.find("2", start) == 2);
    CHECK_FALSE(at.table.find("3", start));
    CHECK(at.table.insert("3", 3, start) == 3);
}

TEST_CASE("the longest unused makes room, one at a time, and only when there is none") {
    Filled at(3, 3);
    at.table.find("1", start + 4s);
    CHECK(at.table.makeRoom(start + 5s, all, at.removed));
    CHECK(at.removed == std::vector<int>{2});
    CHECK(at.table.makeRoom(start + 5s, all, at.removed));
    CHECK(at.removed == std::vector<int>{2});
    at.table.insert("4", 4, start + 5s);
    CHECK(at.table.makeRoom(start + 6s, all, at.removed));
    CHECK(at.removed == std::vector<int>{2, 3});
    CHECK(at.table.size() == 2);
}

TEST_CASE("what may not go stays, and the next longest unused goes instead") {
    Filled at(3, 3);
    const auto not1 = [](const int& value) { return value != 1; };
    CHECK(at.table.makeRoom(start + 5s, not1, at.removed));
    CHECK(at.removed == std::vector<int>{2});
    CHECK(at.table.find("1", start + 6s));
    at.table.insert("4", 4, start + 7s);
    CHECK_FALSE(at.table.makeRoom(start + 8s, none, at.removed));
    CHECK(at.removed.size() == 1);
    CHECK(at.table.size() == 3);
}

TEST_CASE("a full table looks at so many only, and at others the next time") {
    const int size = 3 * static_cast<int>(Table::mostLookedAt);
    Filled at(static_cast<std::size_t>(size), size);
    std::set<int> seen;
    std::size_t looks = 0;
    const auto look = [&](const int& value) {
        seen.insert(value);
        ++looks;
        return false;
    };
    for (std::size_t round = 1; round <= 3; ++round) {
        CHECK_FALSE(at.table.makeRoom(start + 1000s, look, at.removed));
        CHECK(looks == round * Table::mostLookedAt);
        CHECK(seen.size() == looks);
    }
    // The only one that may go is found by then, wherever it is.
    Filled again(static_cast<std::size_t>(size), size);
    const auto last = [&](const int& value) { return value == size; };
    int rounds = 1;
    while (!again.table.makeRoom(start + 1000s, last, again.removed)) ++rounds;
    CHECK(rounds == 3);
    CHECK(again.removed == std::vector<int>{size});
}

TEST_CASE("what was unused for longer than the limit goes, a few at a time, the longest unused first") {
    Filled at(100, 10);
    CHECK(at.table.sweep(start + 11s, all, at.removed) == 0);  // unused for 10 s is not longer
    CHECK(at.table.sweep(start + 11s + 1ms, all, at.removed) == 1);
    CHECK(at.table.sweep(start + 60s, all, at.removed) == Table::mostIdle);
    CHECK(at.removed == std::vector<int>{1, 2, 3, 4, 5});
    at.table.find("6", start + 60s);
    CHECK(at.table.sweep(start + 60s, all, at.removed) == Table::mostIdle);
    CHECK(at.removed == std::vector<int>{1, 2, 3, 4, 5, 7, 8, 9, 10});
    CHECK(at.table.sweep(start + 60s, all, at.removed) == 0);
    CHECK(at.table.size() == 1);
}

TEST_CASE("what is in use counts as used when it is looked at: it does not stand before the others") {
    Filled at(100, 10);
    const auto not1 = [](const int& value) { return value != 1; };
    CHECK(at.table.sweep(start + 60s, not1, at.removed) == Table::mostIdle - 1);
    CHECK(at.removed == std::vector<int>{2, 3, 4});
    CHECK(at.table.sweep(start + 60s, not1, at.removed) == Table::mostIdle);
    CHECK(at.table.sweep(start + 70s, all, at.removed) == 2);
    CHECK(at.table.size() == 1);  // the first one's time began anew
    CHECK(at.table.sweep(start + 71s, all, at.removed) == 1);
    CHECK(at.removed.back() == 1);
}

TEST_CASE("all are taken, and the table may be used again") {
    Filled at(3, 3);
    CHECK(at.table.takeAll() == std::vector<int>{1, 2, 3});
    CHECK(at.table.size() == 0);
    CHECK_FALSE(at.table.find("1", start));
    CHECK(at.table.sweep(start + 60s, all, at.removed) == 0);
    at.table.insert("1", 5, start);
    CHECK(*at.table.find("1", start) == 5);
    CHECK(at.table.takeAll() == std::vector<int>{5});
}

TEST_CASE("the table does what a list does that is searched through") {
    struct Known {
        int key, value;
        TableTime used;
    };
    std::mt19937 random(11);
    for (int round = 0; round < 60; ++round) {
        const std::size_t limit = 1 + random() % 8;
        Table table(SessionTableLimits(limit, 5s));
        std::vector<Known> list;  // the longest unused first
        TableTime now = start;
        std::set<int> busy;
        int next = 0;
        const auto mayGo = [&](const int& value) { return !busy.contains(value); };
        // What the list says of the longest unused: true if it has gone.
        const auto takeFirst = [&](std::vector<int>& gone) {
            Known first = list.front();
            list.erase(list.begin());
            if (mayGo(first.value)) {
                gone.push_back(first.value);
                return true;
            }
            first.used = now;
            list.push_back(first);
            return false;
        };
        for (int step = 0; step < 400; ++step) {
            now += std::chrono::milliseconds(random() % 1500);
            if (random() % 4 == 0) {
                const int one = static_cast<int>(random() % 40);
                if (!busy.erase(next - one)) busy.insert(next - one);
            }
            const int key = static_cast<int>(random() % 12);
            std::vector<int> gone, expected;
            const auto known = std::find_if(list.begin(), list.end(), [&](const Known& k) { return k.key == key; });
            const int* found = table.find(keyOf(key), now);
            REQUIRE((found != nullptr) == (known != list.end()));
            if (found) {
                REQUIRE(*found == known->value);
                std::rotate(known, known + 1, list.end());
                list.back().used = now;
            }
            std::size_t swept = 0;
            for (std::size_t i = 0; i < Table::mostIdle && !list.empty() && now - list.front().used > 5s; ++i)
                if (takeFirst(expected)) ++swept;
            REQUIRE(table.sweep(now, mayGo, gone) == swept);
            if (!found) {
                bool room = list.size() < limit;
                for (std::size_t i = 0; !room && i < limit; ++i) room = takeFirst(expected);
                REQUIRE(table.makeRoom(now, mayGo, gone) == room);
                if (room) {
                    table.insert(keyOf(key), ++next, now);
                    list.push_back({key, next, now});
                }
            }
            REQUIRE(gone == expected);
            REQUIRE(table.size() == list.size());
        }
        std::vector<int> left;
        for (const Known& one : list) left.push_back(one.value);
        CHECK(table.takeAll() == left);
    }
}
