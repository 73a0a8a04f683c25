// run(): an operation from the outside of an event loop.
#include <wix/run.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

struct Unmakeable {
    explicit Unmakeable(int given) : value(given) {}
    int value;
};

asio::awaitable<void> hop() { co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable); }

template <class T>
asio::awaitable<T> later(T value) {
    co_await hop();
    co_return value;
}

asio::awaitable<int> failing() {
    co_await hop();
    throw std::runtime_error("as it was");
}

/// Never ends by itself.
asio::awaitable<int> waiting(std::shared_ptr<asio::steady_timer> timer) {
    boost::system::error_code ec;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ec));
    co_return 7;
}

std::shared_ptr<asio::steady_timer> endless(asio::io_context& io) {
    return std::make_shared<asio::steady_timer>(io, asio::steady_timer::time_point::max());
}

template <class Operation>
boost::system::error_code codeOf(Operation operation) {
    try {
        operation();
    } catch (const wix::Error& error) {
        return error.code();
    }
    return boost::system::error_code();
}

}  // namespace

TEST_CASE("run() gives what the operation gives, of any type") {
    asio::io_context io;
    CHECK(wix::run(io, later(42)) == 42);
    CHECK(wix::run(io, later(std::string("text"))) == "text");
    CHECK(wix::run(io, later(Unmakeable(3))).value == 3);
    CHECK(*wix::run(io, later(std::make_unique<int>(5))) == 5);
    CHECK_FALSE(wix::run(io, later(false)));
    wix::run(io, hop());
}

TEST_CASE("run() throws what the operation throws, and works again after it") {
    asio::io_context io;
    CHECK_THROWS_WITH_AS(wix::run(io, failing()), "as it was", std::runtime_error);
    CHECK(wix::run(io, later(1)) == 1);
    io.stop();
    CHECK(wix::run(io, later(2)) == 2);
}

TEST_CASE("other work goes on meanwhile, and may go on later") {
    asio::io_context io;
    int done = 0;
    asio::post(io, [&] { ++done; });
    const auto timer = endless(io);
    timer->async_wait([&](const boost::system::error_code&) { done += 10; });
    CHECK(wix::run(io, later(1)) == 1);
    CHECK(done == 1);
    timer->cancel();
    wix::run(io, later(1));
    CHECK(done == 11);
    CHECK(io.run() == 0);  // nothing is left, and nothing keeps it
}

TEST_CASE("run() on a thread that runs the context is refused, in a coroutine and in a handler") {
    asio::io_context io;
    int refused = 0;
    const auto inside = [&] {
        if (codeOf([&] { wix::run(io, later(1)); }) == wix::Errc::would_deadlock) ++refused;
    };
    asio::post(io, inside);
    const auto coroutine = [](const decltype(inside)& call) -> asio::awaitable<void> {
        co_await hop();
        call();
    };
    wix::run(io, coroutine(inside));
    CHECK(refused == 2);
    // Another context is another matter.
    asio::io_context other;
    asio::post(io, [&] { refused += wix::run(other, later(10)); });
    wix::run(io, hop());
    wix::run(io, hop());
    CHECK(refused == 12);
}

TEST_CASE("a context that is stopped ends run(), and the operation later, when it is run again") {
    asio::io_context io;
    const auto timer = endless(io);
    asio::post(io, [&] { io.stop(); });
    CHECK(codeOf([&] { wix::run(io, waiting(timer)); }) == asio::error::operation_aborted);
    const std::weak_ptr<asio::steady_timer> held = timer;
    CHECK(held.use_count() == 2);  // the operation is still there
    CHECK(wix::run(io, later(3)) == 3);
    timer->cancel();
    io.restart();
    io.run();
    CHECK(held.use_count() == 1);
}

TEST_CASE("an operation that run() has left is destroyed with its context") {
    std::weak_ptr<int> held;
    {
        asio::io_context io;
        const auto parked = [](std::shared_ptr<int>, std::shared_ptr<asio::steady_timer> timer) {
            return waiting(std::move(timer));
        };
        const auto keep = [](asio::awaitable<int> operation, std::shared_ptr<int>) -> asio::awaitable<int> {
            co_return co_await std::move(operation);
        };
        auto mark = std::make_shared<int>(1);
        held = mark;
        auto timer = endless(io);
        asio::post(io, [&] { io.stop(); });
        CHECK(codeOf([&] { wix::run(io, keep(parked(nullptr, std::move(timer)), std::move(mark))); }) ==
              asio::error::operation_aborted);
        CHECK_FALSE(held.expired());
    }
    CHECK(held.expired());
}

TEST_CASE("what another handler throws leaves run(); the operation ends later") {
    asio::io_context io;
    const auto timer = endless(io);
    asio::post(io, [] { throw std::logic_error("of another"); });
    CHECK_THROWS_WITH_AS(wix::run(io, waiting(timer)), "of another", std::logic_error);
    CHECK(timer.use_count() == 2);
    CHECK(wix::run(io, later(3)) == 3);
    timer->cancel();
    io.restart();
    io.run();
    CHECK(timer.use_count() == 1);
}

TEST_CASE("run() ends whichever thread of the context ends the operation") {
    asio::io_context io;
    auto work = asio::make_work_guard(io);
    std::thread another([&] { io.run(); });
    for (int i = 0; i < 200; ++i) REQUIRE(wix::run(io, later(i)) == i);
    CHECK_THROWS_AS(wix::run(io, failing()), std::runtime_error);
    work.reset();
    another.join();
}

TEST_CASE("several threads may run operations on one context") {
    asio::io_context io;
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([&, thread] {
            for (int i = 0; i < 100; ++i) {
                const auto value = wix::run(io, later(std::make_unique<int>(thread * 1000 + i)));
                if (*value == thread * 1000 + i) ++right;
            }
        });
    for (std::thread& one : threads) one.join();
    CHECK(right == 400);
}
