// Several threads in one io_context, callers without strands. Interesting under TSan.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <optional>
#include <thread>
#include <vector>

#include "support/counts.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
using testing::FakeWix;
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

}  // namespace

TEST_CASE("thousands of callers on four threads: one exchange, each answered once") {
    FakeWix fake;
    fake.setDelay("token", 20ms);
    asio::io_context io;
    const Client client = clientOf(io, fake);
    Counts counts;
    for (int i = 0; i < 5000; ++i)
        asio::co_spawn(io, client.generateVisitorTokens(),
                       [&](std::exception_ptr error, const Tokens&) { counts.count(error); });
    runOnThreads(io, 4);
    CHECK(counts.ok == 5000);
    CHECK(fake.state().requests.at("token") == 1);
}

TEST_CASE("stop tokens fire from another thread around the completion: each caller ends exactly once") {
    FakeWix fake;
    asio::io_context io;
    std::vector<std::stop_source> sources(400);
    Counts counts;
    {
        const Client client = clientOf(io, fake);
        for (auto& source : sources) {
            CallOptions options;
            options.stopToken = source.get_token();
            asio::co_spawn(io, client.post("/stores-reader/v1/products/query", boost::json::object(), options),
                           [&](std::exception_ptr error, const boost::json::value&) { counts.count(error); });
        }
    }
    std::jthread stopper([&] {
        for (std::size_t i = 0; i < sources.size(); i += 2) sources[i].request_stop();
    });
    runOnThreads(io, 3);
    CHECK(counts.ok + counts.aborted == 400);
    CHECK(counts.failed == 0);
    CHECK(counts.ok >= 200);
}

TEST_CASE("logouts, renewals and calls of one visitor race on three threads: every call is answered") {
    FakeWix fake;
    fake.setRotation(testing::Rotation(true, 60s));
    asio::io_context io;
    const Client client = clientOf(io, fake);
    Counts counts;
    for (int i = 0; i < 300; ++i) {
        if (i % 10 == 3)
            asio::co_spawn(io, client.setTokens(Tokens()), [&](std::exception_ptr error) { counts.count(error); });
        else if (i % 10 == 7)
            asio::co_spawn(io, client.renewToken(), [&](std::exception_ptr error, const Tokens&) {
                // Renewing right after a logout finds no session: an answer, not a fault.
                if (error && codeOf([&] { std::rethrow_exception(error); }) == Errc::no_session) error = nullptr;
                counts.count(error);
            });
        else
            asio::co_spawn(io, client.post("/stores-reader/v1/products/query", boost::json::object()),
                           [&](std::exception_ptr error, const boost::json::value&) { counts.count(error); });
    }
    runOnThreads(io, 3);
    CHECK(counts.ok == 300);
}

TEST_CASE("callers of other executors: a strand, and a thread pool of their own") {
    FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    const auto keepRunning = asio::make_work_guard(io);
    std::thread home([&] { io.run(); });
    Counts counts;
    {
        asio::thread_pool pool(3);
        for (int i = 0; i < 200; ++i) {
            const auto caller = [&]() -> asio::any_io_executor {
                if (i % 2) return asio::make_strand(pool);
                return pool.get_executor();
            }();
            asio::co_spawn(caller, client.post("/stores-reader/v1/products/query", boost::json::object()),
                           [&counts](std::exception_ptr error, const boost::json::value&) { counts.count(error); });
        }
        pool.join();
    }
    CHECK(counts.ok == 200);
    CHECK(fake.state().visitors == 1);
    io.stop();
    home.join();
}

TEST_CASE("a client on a thread pool: no io_context at all") {
    FakeWix fake;
    Counts counts;
    asio::thread_pool pool(2);
    {
        const Client client(pool.get_executor(), OAuthStrategy(clientId), optionsFor(fake));
        for (int i = 0; i < 50; ++i)
            asio::co_spawn(pool, client.post("/stores-reader/v1/products/query", boost::json::object()),
                           [&](std::exception_ptr error, const boost::json::value&) { counts.count(error); });
    }
    pool.join();
    CHECK(counts.ok == 50);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("close from another thread while an answer is held: who waits ends at once, and what it brings is stored") {
    FakeWix fake;
    fake.setRotation(testing::Rotation(true, 0s, true));  // without the new refresh token the session is gone
    Tokens before;
    SUBCASE("the tokens of a new visitor") {}
    SUBCASE("those that a visitor's were rotated to") {
        asio::io_context io;
        before = runOn(io, clientOf(io, fake).generateVisitorTokens());
        before.accessToken.expiresAt = std::chrono::sys_seconds(1s);
    }
    const auto asked = fake.state().requests["token"];
    const auto storage = std::make_shared<MemoryTokenStorage>();
    asio::io_context io;
    Counts counts;
    std::optional<StoredTokens> atClose;
    fake.hold("token", testing::HoldPoint::beforeReply);
    {
        OAuthStrategy strategy = strategyWith(storage);
        strategy.tokens = before;
        const Client client(io.get_executor(), strategy, optionsFor(fake));
        for (int i = 0; i < 50; ++i)
            asio::co_spawn(io, client.generateVisitorTokens(), [&](std::exception_ptr error, const Tokens&) {
                counts.count(error);
                if (counts.all() == 50) fake.release("token");
            });
        std::jthread controller([&fake, &io, &storage, &atClose, client] {
            CHECK(fake.waitUntilHeld("token", 1, 60s));
            asio::co_spawn(io, client.close(), [&](std::exception_ptr error) {
                CHECK_FALSE(error);
                atClose = run(storage->load(clientId));
            });
        });
        runOnThreads(io, 3);
    }
    CHECK(counts.aborted == 50);
    REQUIRE(atClose);
    CHECK_FALSE(atClose->tokens.accessToken.value.empty());
    CHECK(atClose->tokens.refreshToken.value != before.refreshToken.value);
    CHECK(fake.state().requests.at("token") == asked + 1);

    asio::io_context later;
    const Client next = clientOf(later, fake, storage);
    CHECK(runOn(later, next.generateVisitorTokens()) == atClose->tokens);
    runOn(later, next.renewToken());
    CHECK(fake.state().requests.at("token") == asked + 2);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("close races waiters on three threads: each ends once, and tokens that were given out are stored") {
    for (int round = 0; round < 20; ++round) {
        CAPTURE(round);
        FakeWix fake;
        const auto storage = std::make_shared<MemoryTokenStorage>();
        asio::io_context io;
        Counts counts;
        {
            const Client client = clientOf(io, fake, storage);
            for (int i = 0; i < 50; ++i)
                asio::co_spawn(io, client.generateVisitorTokens(),
                               [&](std::exception_ptr error, const Tokens&) { counts.count(error); });
            asio::co_spawn(io, client.close(), [&](std::exception_ptr error) { CHECK_FALSE(error); });
        }
        runOnThreads(io, 3);
        CHECK(counts.ok + counts.aborted == 50);
        CHECK(fake.state().requests["token"] <= 1);
        CHECK(run(storage->load(clientId)).has_value() == (fake.state().visitors == 1));
    }
}
