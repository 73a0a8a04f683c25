// Functions that block, called from coroutines. [D2]
#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <wix/error.hpp>
#include <wix/offload.hpp>

#include "support/boot_time.hpp"
#include "support/gate.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

/// Long enough to be on the heap.
const std::string longText(100, 'x');

asio::awaitable<std::string> natural(std::shared_ptr<std::string> database, std::string key) {
    std::string found;
    for (int i = 0; i < 3; ++i) {
        auto query = [database, key, copies = std::vector<std::string>(3, longText)] {
            return *database + key + std::to_string(copies.size());
        };
        found = co_await wix::offload(query);
        found += co_await wix::offload(query, OffloadOptions(key));
    }
    co_return found;
}

template <class Function>
Failure failureOfOffload(Function function) {
    try {
        run(wix::offload(function));
    } catch (const Error& error) {
        return error.failure();
    }
    return Failure();
}

}  // namespace

TEST_CASE("a function runs on another thread, and its caller resumes with the result on its own [D2]") {
    asio::io_context io;
    const auto here = std::this_thread::get_id();
    struct Visit {
        static asio::awaitable<void> run(std::thread::id expected) {
            auto work = [] { return std::this_thread::get_id(); };
            const std::thread::id there = co_await wix::offload(work);
            CHECK(there != expected);
            CHECK(std::this_thread::get_id() == expected);
        }
    };
    runOn(io, Visit::run(here));
}

TEST_CASE("captures and results are destroyed once [D2]") {
    auto database = std::make_shared<std::string>(longText);
    CHECK(run(natural(database, "key")) == longText + "key3" + longText + "key3");
    CHECK(database.use_count() == 1);
}

TEST_CASE("results of any kind are returned: nothing, without a default, that can only be moved [D2]") {
    bool called = false;
    auto nothing = [&called] { called = true; };
    run(wix::offload(nothing));
    CHECK(called);
    struct NoDefault {
        explicit NoDefault(int with) : value(with) {}
        int value;
    };
    struct Visit {
        static asio::awaitable<int> run() {
            auto make = [] { return NoDefault(42); };
            const NoDefault made = co_await wix::offload(make);
            auto own = [] { return std::make_unique<int>(1); };
            const std::unique_ptr<int> owned = co_await wix::offload(own);
            co_return made.value + *owned;
        }
    };
    CHECK(run(Visit::run()) == 43);
    CHECK(run(wix::offload(+[] { return 7; })) == 7);  // a pointer to a function has no destructor
}

TEST_CASE("what the function throws is thrown to the caller [D2]") {
    auto fails = []() -> int { throw std::runtime_error("no such table"); };
    CHECK_THROWS_WITH_AS(run(wix::offload(fails)), "no such table", std::runtime_error);
    auto failsWithNothing = [] { throw 5; };
    CHECK_THROWS_AS(run(wix::offload(failsWithNothing)), int);
    const Failure failure = failureOfOffload([] { throw Error(Errc::storage_damaged, "row 7"); });
    CHECK(failure.code == Errc::storage_damaged);
    CHECK(failure.context == "row 7");
}

TEST_CASE("functions with one key run in their order, others at the same time [D2]") {
    Gate gate;
    std::vector<int> order;  // of the key: no two functions write at a time
    std::atomic<int> others{0};
    asio::io_context io;
    for (int i = 0; i < 20; ++i) {
        auto append = [&, i] {
            if (i == 0) gate.pass();
            order.push_back(i);
        };
        asio::co_spawn(io, wix::offload(append, OffloadOptions("key")), rethrow);
        auto count = [&] {
            if (++others == 20) gate.open();
        };
        asio::co_spawn(io, wix::offload(count, OffloadOptions("other" + std::to_string(i))), rethrow);
    }
    io.run();
    REQUIRE(order.size() == 20);
    for (int i = 0; i < 20; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE(
    "a cancelled caller stops waiting: a function that has begun goes on, one in the queue is never called [D2]") {
    Gate gate;
    std::atomic<int> calls{0};
    asio::io_context io;
    asio::cancellation_signal stopFirst, stopSecond;
    int ended = 0;
    const auto aborted = [&](std::exception_ptr error) {
        ++ended;
        try {
            std::rethrow_exception(error);
        } catch (const boost::system::system_error& thrown) {
            CHECK(thrown.code() == asio::error::operation_aborted);
        }
    };
    auto block = [&] {
        ++calls;
        gate.pass();
    };
    auto never = [&] { calls += 100; };
    asio::co_spawn(io, wix::offload(block, OffloadOptions("key")),
                   asio::bind_cancellation_slot(stopFirst.slot(), aborted));
    asio::co_spawn(io, wix::offload(never, OffloadOptions("key")),
                   asio::bind_cancellation_slot(stopSecond.slot(), aborted));
    io.poll();
    CHECK(gate.holds(1));
    stopSecond.emit(asio::cancellation_type::terminal);
    stopFirst.emit(asio::cancellation_type::terminal);
    io.run();  // ends, although the function does not
    CHECK(ended == 2);
    gate.open();
    auto after = [] { return 1; };
    CHECK(wix::test::run(wix::offload(after, OffloadOptions("key"))) == 1);
    CHECK(calls == 1);
}

TEST_CASE("a function that cannot begin in time is not called, and its caller hears why [C6] [D2]") {
    Gate gate;
    asio::io_context io;
    auto block = [&] { gate.pass(); };
    for (int i = 0; i < 16; ++i) asio::co_spawn(io, wix::offload(block), rethrow);
    io.poll();
    CHECK(gate.holds(16));
    bool called = false;
    auto late = [&] { called = true; };
    OffloadOptions options;
    options.startWithin = std::chrono::milliseconds(10);
    std::optional<Failure> failure;
    asio::co_spawn(io, wix::offload(late, options), [&](std::exception_ptr error) {
        try {
            std::rethrow_exception(error);
        } catch (const Error& thrown) {
            failure = thrown.failure();
        }
    });
    runUntil(io, [&] { return failure.has_value(); });
    CHECK(failure->code == Errc::storage_unavailable);
    CHECK(failure->context.find("could not begin within 10 ms") != std::string::npos);
    gate.open();
    io.run();
    CHECK_FALSE(called);
}

TEST_CASE("a function may wait for its turn without a limit [D2]") {
    Gate gate;
    asio::io_context io;
    auto block = [&] { gate.pass(); };
    auto second = [] { return 2; };
    OffloadOptions first("key");
    OffloadOptions options("key");
    options.startWithin = std::chrono::milliseconds::max();
    std::optional<int> result;
    asio::co_spawn(io, wix::offload(block, first), rethrow);
    asio::co_spawn(io, wix::offload(second, options), [&](std::exception_ptr error, int value) {
        if (!error) result = value;
    });
    io.poll();
    CHECK(gate.holds(1));
    wix::test::continueLater(io, std::chrono::milliseconds(500));  // and deadlines are checked
    io.poll();
    gate.open();
    io.restart();
    io.run();
    CHECK(result == 2);
}

TEST_CASE("a context that ends takes its coroutines with it, and functions that were handed over are called [D2]") {
    std::atomic<int> calls{0};
    auto alive = std::make_shared<int>(0);
    for (int round = 0; round < 50; ++round) {
        asio::io_context io;
        auto count = [&calls, alive] { ++calls; };
        for (int i = 0; i < 3; ++i) asio::co_spawn(io, wix::offload(count), asio::detached);
        for (int i = 0; i < 3 + round % 4; ++i) io.poll_one();
    }
    struct Flush {
        static asio::awaitable<void> run() {
            auto nothing = [] {};
            for (int i = 0; i < 100; ++i) co_await wix::offload(nothing);
        }
    };
    for (int i = 0; i < 1000 && (calls < 150 || alive.use_count() > 1); ++i) run(Flush::run());
    CHECK(calls == 150);
    CHECK(alive.use_count() == 1);
}

TEST_CASE("many coroutines of many threads offload at the same time [D2]") {
    std::atomic<int> calls{0};
    asio::thread_pool pool(3);
    struct Visit {
        static asio::awaitable<void> run(std::atomic<int>* count, std::string key) {
            auto work = [count] { ++*count; };
            for (int i = 0; i < 50; ++i) co_await wix::offload(work, OffloadOptions(key));
        }
    };
    for (int i = 0; i < 12; ++i)
        asio::co_spawn(asio::make_strand(pool), Visit::run(&calls, std::to_string(i % 5)), rethrow);
    pool.join();
    CHECK(calls == 600);
}

TEST_CASE("what g++ 12 would destroy twice is refused when it is compiled [D2]") {
    const std::string text = longText;
    auto owns = [text] { return text.size(); };
    auto ownsNothing = [&text] { return text.size(); };
    CHECK(detail::mayBeOffloaded<decltype((owns))>);         // it has a name
    CHECK(detail::mayBeOffloaded<decltype((ownsNothing))>);  // nothing to destroy
    CHECK(detail::mayBeOffloaded<decltype(ownsNothing)>);
    CHECK(detail::mayBeOffloaded<decltype(owns)> == !detail::compilerDestroysTwice);
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ == 12
    CHECK(detail::compilerDestroysTwice);
#endif
}
