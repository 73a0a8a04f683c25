// Handlers that wait on a thread of the pool for what others may do: poor style, and no reason to wait for ever.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <wix/wix.hpp>

#include "support/fake_client.hpp"

namespace asio = boost::asio;
using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;

namespace {

const std::string queryPath = "/stores-reader/v1/products/query";

/// An io_context that some threads run.
class Pool {
public:
    explicit Pool(int threads) {
        for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { io.run(); });
    }
    ~Pool() {
        work_.reset();
        for (std::thread& thread : threads_) thread.join();
    }
    asio::io_context io;

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io);
    std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE("a handler that waits for its second call gets it: others resume what it has started") {
    testing::FakeWix fake;
    Pool pool(3);
    Client client(pool.io.get_executor(), OAuthStrategy(clientId), optionsFor(fake));
    asio::co_spawn(pool.io, client.post(queryPath, object()), asio::use_future).get();
    std::promise<std::future_status> second;
    asio::post(pool.io, [&] {
        auto one = asio::co_spawn(pool.io, client.post(queryPath, object()), asio::use_future);
        auto other = asio::co_spawn(pool.io, client.post(queryPath, object()), asio::use_future);
        second.set_value(other.wait_for(20s));
    });
    CHECK(second.get_future().get() == std::future_status::ready);
}

TEST_CASE("who waits for a token is not held up by the handler that brings it") {
    testing::FakeWix fake;
    Pool pool(3);
    Client client(pool.io.get_executor(), OAuthStrategy(clientId), optionsFor(fake));
    const Tokens tokens = asio::co_spawn(pool.io, client.generateVisitorTokens(), asio::use_future).get();
    asio::co_spawn(pool.io, client.setTokens(Tokens()), asio::use_future).get();
    fake.hold("token");
    auto waiting = asio::co_spawn(pool.io, client.generateVisitorTokens(), asio::use_future);
    REQUIRE(fake.waitUntilHeld("token", 1, 20s));
    std::promise<std::future_status> resumed;
    asio::post(pool.io, [&] {
        asio::co_spawn(pool.io, client.setTokens(tokens), [](std::exception_ptr) {});
        resumed.set_value(waiting.wait_for(20s));
    });
    CHECK(resumed.get_future().get() == std::future_status::ready);
    fake.release("token");
}
