// Which of the queued requests gets the next place: the priorities of PoolState.
#include "http/pool_limits.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

using namespace wix::detail;

namespace {

using Kind = Acquired::Kind;

/// The order in which queued requests are served when connection after connection of a full pool comes back. A request is
/// a letter: u(rgent), e(levated), b(ackground), o(rdinary), and it is shown with its number.
std::string served(const std::string& queued, bool lives = true, std::size_t connections = 1) {
    PoolState pool(limits(connections));
    std::vector<ConnectionId> open;
    for (std::size_t i = 0; i < connections; ++i) open.push_back(pool.acquire(api, start).connection);
    for (int i = 0; i < 4; ++i) pool.acquire(api, start, Priority::urgent);  // the places beyond the limits
    std::map<QueueId, std::string> names;
    std::map<char, int> counts;
    for (const char kind : queued) {
        const auto priority = static_cast<Priority>(std::string("uebo").find(kind));
        names.emplace(pool.enqueue(api, priority), kind + std::to_string(++counts[kind]));
    }
    std::string order;
    for (std::size_t i = 0; i < queued.size(); ++i) {
        const Released decision = pool.released(open.front(), lives, start);
        open.erase(open.begin());
        for (const Served& one : decision.served) {
            order += (order.empty() ? "" : " ") + names.at(one.waiter);
            open.push_back(one.connection);
        }
        if (open.empty()) break;
    }
    return order;
}

}  // namespace

TEST_CASE("a place goes to the highest priority, and of four in a row one to the oldest of a lower one [C21]") {
    struct Row {
        std::string queued, order;
    };
    const std::vector<Row> rows = {
        {"oooo", "o1 o2 o3 o4"},
        {"uuuuuu", "u1 u2 u3 u4 u5 u6"},
        {"obeu", "u1 e1 b1 o1"},
        {"ooooou", "u1 o1 o2 o3 o4 o5"},
        {"eeeeeeu", "u1 e1 e2 e3 e4 e5 e6"},
        // One of four.
        {"euuuuuu", "u1 u2 u3 e1 u4 u5 u6"},
        {"eeuuuuuuu", "u1 u2 u3 e1 u4 u5 u6 e2 u7"},
        // The oldest of all lower ones, whatever its priority.
        {"oebuuuuuuuuuu", "u1 u2 u3 o1 u4 u5 u6 e1 u7 u8 u9 b1 u10"},
        {"boueeeee", "u1 e1 e2 b1 e3 e4 e5 o1"},
        // Those that are alone are passed over by nobody.
        {"bbbbb", "b1 b2 b3 b4 b5"},
        {"eb", "e1 b1"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.queued);
        CHECK(served(row.queued) == row.order);
        CHECK(served(row.queued, true, 2) == row.order);
    }
}

TEST_CASE("what was passed over and has left gives its turn to none that comes later [C21]") {
    PoolState pool(limits(1));
    ConnectionId held = pool.acquire(api, start).connection;
    for (int i = 0; i < 4; ++i) pool.acquire(api, start, Priority::urgent);
    for (int round = 0; round < 2; ++round) {
        const QueueId lower = pool.enqueue(api, Priority::elevated);
        for (int i = 0; i < 3; ++i) {
            const QueueId urgent = pool.enqueue(api, Priority::urgent);
            const Released decision = pool.released(held, true, start);
            REQUIRE(decision.served.size() == 1);
            CHECK(decision.served[0].waiter == urgent);
            held = decision.served[0].connection;
        }
        pool.leave(lower);
    }
}

TEST_CASE("a renewal that callers wait for overtakes thousands of new visitors [C21]") {
    PoolLimits narrow = limits(64);
    narrow.urgent = 32;
    PoolState pool(narrow);
    std::vector<ConnectionId> inUse;
    for (int i = 0; i < 32; ++i) inUse.push_back(pool.acquire(api, start, Priority::elevated).connection);
    CHECK(pool.acquire(api, start, Priority::elevated).kind == Kind::wait);
    for (int i = 0; i < 9000; ++i) pool.enqueue(api, Priority::elevated);
    CHECK(pool.acquire(api, start, Priority::urgent).kind == Kind::wait);
    const QueueId renewal = pool.enqueue(api, Priority::urgent);
    const Released decision = pool.released(inUse.front(), true, start);
    REQUIRE(decision.served.size() == 1);
    CHECK(decision.served[0].waiter == renewal);
}

TEST_CASE("new visitors are served while renewals never stop, and background renewals too [C21]") {
    PoolState pool(limits(1));
    ConnectionId held = pool.acquire(api, start).connection;
    for (int i = 0; i < 4; ++i) pool.acquire(api, start, Priority::urgent);
    std::map<QueueId, Priority> all;
    for (int i = 0; i < 10; ++i) {
        all.emplace(pool.enqueue(api, Priority::elevated), Priority::elevated);
        all.emplace(pool.enqueue(api, Priority::background), Priority::background);
    }
    std::map<Priority, int> counts;
    for (int i = 0; i < 80; ++i) {
        for (int k = 0; k < 2; ++k) all.emplace(pool.enqueue(api, Priority::urgent), Priority::urgent);
        const Released decision = pool.released(held, true, start);
        REQUIRE(decision.served.size() == 1);
        held = decision.served[0].connection;
        ++counts[all.at(decision.served[0].waiter)];
    }
    CHECK(counts[Priority::urgent] == 60);
    CHECK(counts[Priority::elevated] == 10);
    CHECK(counts[Priority::background] == 10);
}

TEST_CASE("a request of a lower priority whose turn cannot come gives way: nothing is left unused [C21]") {
    // Only the places beyond the limits are free, which ordinary requests may not have.
    PoolState pool(limits(1));
    pool.acquire(api, start);
    std::vector<ConnectionId> beyond;
    for (int i = 0; i < 4; ++i) beyond.push_back(pool.acquire(api, start, Priority::urgent).connection);
    pool.enqueue(api);
    std::vector<QueueId> waiting;
    for (int i = 0; i < 8; ++i) waiting.push_back(pool.enqueue(api, Priority::urgent));
    for (int i = 0; i < 8; ++i) {
        const Released decision = pool.released(beyond.front(), false, start);
        beyond.erase(beyond.begin());
        REQUIRE(decision.served.size() == 1);
        CHECK(decision.served[0].waiter == waiting[static_cast<std::size_t>(i)]);
        beyond.push_back(decision.served[0].connection);
    }

    // The total is used up: the same over two origins.
    PoolState shared(limits(100, 1));
    shared.acquire(api, start);
    std::vector<ConnectionId> more;
    for (int i = 0; i < 4; ++i) more.push_back(shared.acquire(edge, start, Priority::urgent).connection);
    shared.enqueue(api);
    for (int i = 0; i < 8; ++i) shared.enqueue(edge, Priority::urgent);
    for (int i = 0; i < 8; ++i) {
        const Released decision = shared.released(more.front(), false, start);
        more.erase(more.begin());
        REQUIRE(decision.served.size() == 1);
        CHECK(decision.served[0].origin == edge);
        more.push_back(decision.served[0].connection);
    }
}

TEST_CASE("the priorities of all origins are one order, and no origin is starved [C21]") {
    PoolState pool(limits(100, 1));
    ConnectionId held = pool.acquire(api, start).connection;
    for (int i = 0; i < 4; ++i) pool.acquire(api, start, Priority::urgent);
    const QueueId lower = pool.enqueue(edge, Priority::background);
    std::vector<QueueId> order;
    for (int i = 0; i < 5; ++i) pool.enqueue(api, Priority::elevated);
    const QueueId urgent = pool.enqueue(edge, Priority::urgent);
    for (int i = 0; i < 5; ++i) {
        const Released decision = pool.released(held, false, start);
        REQUIRE(decision.served.size() == 1);
        held = decision.served[0].connection;
        order.push_back(decision.served[0].waiter);
    }
    CHECK(order[0] == urgent);
    CHECK(order[3] == lower);
}

TEST_CASE("requests of one priority stay in the order of arrival, whatever comes in between: random traffic [C21]") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        const auto below = [&](std::size_t n) { return random() % n; };
        PoolState pool(limits(1 + below(3), 2 + below(4)));
        std::vector<ConnectionId> inUse;
        std::map<QueueId, std::pair<OriginId, Priority>> waiting;
        for (int i = 0; i < 300; ++i) {
            const OriginId origin = below(2);
            const auto priority = static_cast<Priority>(below(4));
            if (below(2) == 0) {
                const Acquired decision = pool.acquire(origin, start, priority);
                if (decision.kind == Kind::wait)
                    waiting.emplace(pool.enqueue(origin, priority), std::pair(origin, priority));
                else
                    inUse.push_back(decision.connection);
            } else if (!inUse.empty()) {
                const auto one = inUse.begin() + static_cast<std::ptrdiff_t>(below(inUse.size()));
                const ConnectionId id = *one;
                inUse.erase(one);
                for (const Served& next : pool.released(id, below(3) > 0, start).served) {
                    const auto who = waiting.find(next.waiter);
                    REQUIRE(who != waiting.end());
                    for (const auto& [earlier, what] : waiting)
                        if (earlier < next.waiter) CHECK(what != who->second);
                    waiting.erase(who);
                    inUse.push_back(next.connection);
                }
            }
        }
        while (!inUse.empty()) {
            const ConnectionId id = inUse.back();
            inUse.pop_back();
            for (const Served& next : pool.released(id, true, start).served) {
                waiting.erase(next.waiter);
                inUse.push_back(next.connection);
            }
        }
        CHECK(waiting.empty());
    }
}
