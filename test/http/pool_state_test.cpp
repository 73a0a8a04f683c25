#include "http/pool_state.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

constexpr PoolTime start{};

std::string shown(const Acquired& decision) {
    std::string text = decision.kind == Acquired::Kind::reuse  ? "reuse " + std::to_string(decision.connection)
                       : decision.kind == Acquired::Kind::open ? "open"
                                                               : "wait";
    for (const ConnectionId old : decision.tooOld) text += ", close " + std::to_string(old);
    return text;
}

std::string shown(const Released& decision) {
    switch (decision.kind) {
        case Released::Kind::idle:
            return "idle";
        case Released::Kind::handOver:
            return "hand over to " + std::to_string(decision.next);
        case Released::Kind::close:
            return "close";
        case Released::Kind::replace:
            return "replace for " + std::to_string(decision.next);
    }
    return "?";
}

/// A pool of which `inUse` connections are in use.
PoolState busy(std::size_t limit, std::size_t inUse, std::chrono::milliseconds maxIdle = 30s) {
    PoolState pool(limit, maxIdle);
    for (std::size_t i = 0; i < inUse; ++i) REQUIRE(shown(pool.acquire(start)) == "open");
    return pool;
}

}  // namespace

TEST_CASE("connections are opened up to the limit, then requests wait") {
    for (std::size_t limit : {1u, 2u, 7u}) {
        CAPTURE(limit);
        PoolState pool = busy(limit, limit);
        CHECK(shown(pool.acquire(start)) == "wait");
        CHECK(shown(pool.acquire(start)) == "wait");
        CHECK(pool.open() == limit);
    }
}

TEST_CASE("an urgent request may have one of a few places beyond the limit") {
    PoolState pool = busy(2, 2);
    for (int i = 0; i < 4; ++i) CHECK(shown(pool.acquire(start, true)) == "open");
    CHECK(shown(pool.acquire(start, true)) == "wait");
    CHECK(shown(pool.acquire(start)) == "wait");
    for (ConnectionId id = 1; id <= 4; ++id) CHECK(shown(pool.released(id, false, start)) == "close");
    CHECK(shown(pool.acquire(start)) == "wait");  // for the others the limit is what it was
}

TEST_CASE("the connection that came back last is used first: it is the most likely to live") {
    PoolState pool = busy(3, 3);
    CHECK(shown(pool.released(11, true, start + 1s)) == "idle");
    CHECK(shown(pool.released(12, true, start + 2s)) == "idle");
    CHECK(shown(pool.released(13, true, start + 3s)) == "idle");
    CHECK(pool.open() == 3);
    CHECK(shown(pool.acquire(start + 4s)) == "reuse 13");
    CHECK(shown(pool.acquire(start + 4s)) == "reuse 12");
    CHECK(shown(pool.released(13, true, start + 5s)) == "idle");
    CHECK(shown(pool.acquire(start + 5s)) == "reuse 13");
    CHECK(shown(pool.acquire(start + 5s)) == "reuse 11");
    CHECK(shown(pool.acquire(start + 5s)) == "wait");
}

TEST_CASE("what has been idle for too long is closed and makes room") {
    struct Case {
        std::chrono::milliseconds age;
        const char* expected;
    };
    for (const Case& c : {Case{0ms, "reuse 5"}, Case{29'999ms, "reuse 5"}, Case{30'000ms, "open, close 5"},
                          Case{1h, "open, close 5"}}) {
        CAPTURE(c.age.count());
        PoolState pool = busy(1, 1);
        CHECK(shown(pool.released(5, true, start)) == "idle");
        CHECK(shown(pool.acquire(start + c.age)) == c.expected);
        CHECK(pool.open() == 1);
    }
}

TEST_CASE("only the old ones are closed") {
    PoolState pool = busy(4, 4);
    for (ConnectionId id = 1; id <= 4; ++id) pool.released(id, true, start + id * 10s);
    CHECK(shown(pool.acquire(start + 55s)) == "reuse 4, close 1, close 2");
    CHECK(pool.open() == 2);
    CHECK(shown(pool.acquire(start + 55s)) == "reuse 3");
    CHECK(shown(pool.acquire(start + 55s)) == "open");
}

TEST_CASE("an idle time of zero means that nothing is used twice") {
    PoolState pool = busy(1, 1, 0ms);
    CHECK(shown(pool.released(1, true, start)) == "idle");
    CHECK(shown(pool.acquire(start)) == "open, close 1");
}

TEST_CASE("a connection that must not be used again makes room") {
    PoolState pool = busy(1, 1);
    CHECK(shown(pool.released(1, false, start)) == "close");
    CHECK(pool.open() == 0);
    CHECK(shown(pool.acquire(start)) == "open");
}

TEST_CASE("one that was dead when it was taken makes room as well") {
    PoolState pool = busy(2, 2);
    pool.released(1, true, start);
    pool.released(2, true, start);
    CHECK(shown(pool.acquire(start)) == "reuse 2");
    pool.dropped();
    CHECK(pool.open() == 1);
    CHECK(shown(pool.acquire(start)) == "reuse 1");
    pool.dropped();
    CHECK(pool.open() == 0);
    CHECK(shown(pool.acquire(start)) == "open");
}

TEST_CASE("who waits is served in the order of arrival, before anybody new") {
    PoolState pool = busy(1, 1);
    for (QueueId id : {4, 5, 6}) pool.enqueue(id);
    CHECK(shown(pool.released(1, true, start)) == "hand over to 4");
    CHECK(pool.open() == 1);
    CHECK(shown(pool.acquire(start)) == "wait");
    CHECK(shown(pool.released(1, false, start)) == "replace for 5");
    CHECK(pool.open() == 1);
    CHECK(shown(pool.acquire(start)) == "wait");
    CHECK(shown(pool.released(2, true, start)) == "hand over to 6");
    CHECK(shown(pool.released(2, true, start)) == "idle");
    CHECK(shown(pool.acquire(start)) == "reuse 2");
}

TEST_CASE("who has left the line is passed over") {
    PoolState pool = busy(1, 1);
    for (QueueId id : {1, 2, 3}) pool.enqueue(id);
    pool.leave(1);
    pool.leave(1);
    pool.leave(99);
    CHECK(shown(pool.released(7, true, start)) == "hand over to 2");
    pool.leave(3);
    CHECK(shown(pool.released(7, true, start)) == "idle");
}

TEST_CASE("idle connections are given up for closing, those in use are not") {
    PoolState pool = busy(3, 3);
    pool.released(1, true, start);
    pool.released(2, true, start);
    CHECK(pool.takeIdle() == std::vector<ConnectionId>{1, 2});
    CHECK(pool.takeIdle().empty());
    CHECK(pool.open() == 1);
    CHECK(shown(pool.released(3, true, start)) == "idle");
    CHECK(pool.takeIdle() == std::vector<ConnectionId>{3});
    CHECK(pool.open() == 0);
}

TEST_CASE("whatever happens, no connection is given twice, the limit holds, and nobody waits beside a free place") {
    std::mt19937 random(20'240'117);
    for (int round = 0; round < 50; ++round) {
        const std::size_t limit = 1 + random() % 5;
        PoolState pool(limit, 1s);
        std::vector<ConnectionId> inUse, idle;
        std::vector<QueueId> line;
        ConnectionId nextId = 1;
        QueueId nextInLine = 1;
        PoolTime now = start;
        const auto forget = [](auto& from, auto id) {
            const auto found = std::find(from.begin(), from.end(), id);
            REQUIRE(found != from.end());
            from.erase(found);
        };
        for (int step = 0; step < 200; ++step) {
            now += std::chrono::milliseconds(random() % 400);
            const auto what = random() % 4;
            if (what < 2) {
                const Acquired decision = pool.acquire(now);
                for (const ConnectionId old : decision.tooOld) forget(idle, old);
                if (decision.kind == Acquired::Kind::reuse) {
                    forget(idle, decision.connection);
                    inUse.push_back(decision.connection);
                } else if (decision.kind == Acquired::Kind::open) {
                    REQUIRE(idle.empty());
                    inUse.push_back(nextId++);
                } else {
                    REQUIRE(inUse.size() == limit);
                    line.push_back(nextInLine);
                    pool.enqueue(nextInLine++);
                }
            } else if (what == 2 && !inUse.empty()) {
                const ConnectionId id = inUse.at(random() % inUse.size());
                const bool reusable = random() % 2 == 0;
                const Released decision = pool.released(id, reusable, now);
                if (!line.empty()) {
                    REQUIRE(decision.next == line.front());
                    line.erase(line.begin());
                    REQUIRE((decision.kind == Released::Kind::handOver) == reusable);
                    if (!reusable) {
                        forget(inUse, id);
                        inUse.push_back(nextId++);
                    }
                } else {
                    REQUIRE((decision.kind == Released::Kind::idle) == reusable);
                    forget(inUse, id);
                    if (reusable) idle.push_back(id);
                }
            } else if (!line.empty()) {
                const QueueId id = line.at(random() % line.size());
                pool.leave(id);
                forget(line, id);
            }
            REQUIRE(pool.open() == inUse.size() + idle.size());
            REQUIRE(inUse.size() <= limit);
        }
    }
}
