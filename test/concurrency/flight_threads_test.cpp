// One exchange in flight, and everything that may happen to it on several threads. Interesting under TSan; the ends of
// contexts under ASan's leak check.
#include <doctest/doctest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/strand.hpp>

#include <deque>
#include <optional>
#include <set>

#include "support/counts.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
using testing::FakeWix;
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

/// A caller with a strand of its own: whoever emits a cancellation signal on several threads needs one.
struct Visit {
    explicit Visit(asio::io_context& io) : strand(asio::make_strand(io)) {}
    asio::strand<asio::io_context::executor_type> strand;
    asio::cancellation_signal signal;
    void cancel() {
        asio::post(strand, [this] { signal.emit(asio::cancellation_type::terminal); });
    }
};

void start(std::deque<Visit>& visits, const Client& client, Counts& counts) {
    for (Visit& visit : visits)
        asio::co_spawn(visit.strand, client.generateVisitorTokens(),
                       asio::bind_cancellation_slot(
                           visit.signal.slot(), [&](std::exception_ptr error, const Tokens&) { counts.count(error); }));
}

asio::awaitable<void> waitForToken(Client client, Counts* counts) {
    std::exception_ptr failed;
    try {
        co_await client.generateVisitorTokens();
    } catch (...) {
        failed = std::current_exception();
    }
    counts->count(failed);
}

Tokens expiredTokens(const FakeWix& fake) {
    asio::io_context io;
    Tokens tokens = runOn(io, clientOf(io, fake).generateVisitorTokens());
    tokens.accessToken.expiresAt = std::chrono::sys_seconds(1s);
    return tokens;
}

}  // namespace

TEST_CASE(
    "10 000 callers on four threads, half of them cancelled around the completion: one exchange, one answer each") {
    constexpr int callers = 10'000;
    FakeWix fake;
    fake.hold("token");
    asio::io_context io;
    Counts counts;
    std::deque<Visit> visits;
    for (int i = 0; i < callers; ++i) visits.emplace_back(io);
    {
        const Client client = clientOf(io, fake);
        start(visits, client, counts);
    }
    std::jthread controller([&] {
        fake.waitUntilHeld("token", 1, 60s);
        for (int i = 0; i < callers; i += 2) {
            if (i == callers / 2) fake.release("token");
            visits[static_cast<std::size_t>(i)].cancel();
        }
    });
    runOnThreads(io, 4);
    CHECK(counts.all() == callers);
    CHECK(counts.failed == 0);
    CHECK(counts.ok >= callers / 2);
    CHECK(fake.state().requests.at("token") == 1);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("setTokens from another thread while a flight's answer is held: everybody gets the session that was set") {
    FakeWix fake;
    fake.setRefreshTokenInReply(true);
    const Tokens old = expiredTokens(fake);
    Tokens other = expiredTokens(fake);
    std::uint64_t requests = 1;  // that of the flight
    SUBCASE("it works: nothing more is asked for") {
        other.accessToken.expiresAt = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + 4h;
    }
    SUBCASE("it has expired: it is renewed, once") { requests = 2; }
    for (int round = 0; round < 10; ++round) {
        CAPTURE(round);
        const auto asked = fake.state().requests.at("token");
        const auto storage = std::make_shared<MemoryTokenStorage>();
        asio::io_context io;
        OAuthStrategy strategy = strategyWith(storage);
        strategy.tokens = old;
        const Client client(io.get_executor(), strategy, optionsFor(fake));
        Counts counts;
        std::atomic<int> wrong{0};
        const auto ask = [&](int callers) {
            for (int i = 0; i < callers; ++i)
                asio::co_spawn(io, client.generateVisitorTokens(), [&](std::exception_ptr failed, const Tokens& given) {
                    counts.count(failed);
                    const bool isOther = requests == 1 ? given == other : given.refreshToken == other.refreshToken;
                    if (!isOther) ++wrong;
                });
        };
        fake.hold("token", testing::HoldPoint::beforeReply);
        ask(50);
        std::jthread controller([&] {
            CHECK(fake.waitUntilHeld("token", 1, 60s));
            asio::co_spawn(io, client.setTokens(other), [&](std::exception_ptr error) {
                counts.count(error);
                ask(10);
                fake.release("token");
            });
        });
        runOnThreads(io, 3);
        CHECK(counts.ok == 61);
        CHECK(wrong == 0);
        CHECK(fake.state().requests.at("token") == asked + requests);
        const Tokens after = runOn(io, client.getTokens());
        CHECK(after.refreshToken == other.refreshToken);
        CHECK((after == other) == (requests == 1));
        const auto record = run(storage->load(clientId));
        REQUIRE(record);
        CHECK(record->tokens == after);
    }
    CHECK(fake.state().visitors == 2);
}

TEST_CASE("setTokens races a flight: who comes after it never sees the session of before") {
    FakeWix fake;
    const Tokens old = expiredTokens(fake);
    Tokens other = expiredTokens(fake);
    other.accessToken.expiresAt = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + 4h;
    for (int round = 0; round < 20; ++round) {
        CAPTURE(round);
        asio::io_context io;
        OAuthStrategy strategy(clientId);
        strategy.tokens = old;
        std::optional<Client> client(std::in_place, io.get_executor(), strategy, optionsFor(fake));
        Counts counts;
        std::atomic<int> wrong{0};
        for (int i = 0; i < 50; ++i) asio::co_spawn(io, waitForToken(*client, &counts), [](std::exception_ptr) {});
        // After the set, on whatever thread: only the new session.
        asio::co_spawn(io, client->setTokens(other), [&, handle = *client](std::exception_ptr error) {
            counts.count(error);
            for (int i = 0; i < 10; ++i)
                asio::co_spawn(io, handle.generateVisitorTokens(), [&](std::exception_ptr failed, const Tokens& given) {
                    counts.count(failed);
                    if (given.refreshToken.value != other.refreshToken.value) ++wrong;
                });
        });
        client.reset();
        const auto asked = fake.state().requests.at("token");
        runOnThreads(io, 3);
        CHECK(counts.ok == 61);
        CHECK(wrong == 0);
        CHECK(fake.state().requests.at("token") <= asked + 1);
    }
}

TEST_CASE("the last handle and the last waiter go while an exchange is in flight: its rotation is stored") {
    for (int round = 0; round < 10; ++round) {
        CAPTURE(round);
        FakeWix fake;
        fake.setRotation(testing::Rotation(true, 60s));
        const auto storage = std::make_shared<MemoryTokenStorage>();
        const std::string before = expiredTokens(fake).refreshToken.value;
        asio::io_context io;
        OAuthStrategy strategy = strategyWith(storage);
        strategy.tokens.refreshToken = RefreshToken(before, TokenRole::visitor);
        std::optional<Client> client(std::in_place, io.get_executor(), strategy, optionsFor(fake));
        std::deque<Visit> visits;
        for (int i = 0; i < 4; ++i) visits.emplace_back(io);
        Counts counts;
        fake.hold("token");
        start(visits, *client, counts);
        std::jthread controller([&] {
            fake.waitUntilHeld("token", 1, 60s);
            for (Visit& visit : visits) visit.cancel();
            if (round % 2) fake.release("token");
            client.reset();
            fake.release("token");
        });
        runOnThreads(io, 2);
        CHECK(counts.all() == 4);
        CHECK(counts.failed == 0);
        const auto record = run(storage->load(clientId));
        REQUIRE(record);
        CHECK(record->tokens.refreshToken.value != before);
        CHECK_FALSE(record->tokens.accessToken.value.empty());
    }
}

TEST_CASE("the context is stopped, and destroyed, with an exchange and 100 waiters in flight") {
    FakeWix fake;
    fake.hold("token");
    Counts counts;
    const auto stopWithWaiters = [&](asio::io_context& io, const Client& client) {
        for (int i = 0; i < 100; ++i) asio::co_spawn(io, waitForToken(client, &counts), [](std::exception_ptr) {});
        std::jthread controller([&fake, &io] {
            fake.waitUntilHeld("token", 1, 60s);
            io.stop();
        });
        runOnThreads(io, 3);
    };
    SUBCASE("the client declared after it") {
        asio::io_context io;
        const Client client = clientOf(io, fake);
        stopWithWaiters(io, client);
    }
    SUBCASE("the client declared before it") {
        std::optional<Client> client;
        asio::io_context io;
        client.emplace(clientOf(io, fake));
        stopWithWaiters(io, *client);
    }
    SUBCASE("the client dropped before it is destroyed, on another thread") {
        asio::io_context io;
        std::optional<Client> client(clientOf(io, fake));
        stopWithWaiters(io, *client);
        std::jthread([&] { client.reset(); }).join();
    }
    SUBCASE("stopped, and run again: the exchange goes on") {
        asio::io_context io;
        const Client client = clientOf(io, fake);
        stopWithWaiters(io, client);
        fake.release("token");
        io.restart();
        runOnThreads(io, 3);
        CHECK(counts.ok == 100);
        return;
    }
    CHECK(counts.all() == 0);  // nobody is answered by a context that has ended
}
