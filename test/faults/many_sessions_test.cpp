// Rows 90 and 91: the sessions of a whole server on one transport.
#include "faults/aged_session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <random>

using namespace wix;
using namespace wix::test;
using testing::FakeWix;
namespace asio = boost::asio;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t many = 1'000;
#else
constexpr std::size_t many = 10'000;
#endif

/// Moved by the test alone; its random numbers are random.
class RollingClock final : public detail::Clock {
public:
    detail::BootTime boot() const override { return clock.boot(); }
    detail::WallTime wall() const override { return clock.wall(); }
    double random() const override { return std::uniform_real_distribution<double>(0, 1)(engine_); }
    ManualClock clock;

private:
    mutable std::mt19937 engine_{90};
};

testing::FakeWixOptions plainHttp() {
    testing::FakeWixOptions options;
    options.tls = false;
    return options;
}

/// Many sessions on one transport, which allows so many token requests at a time.
struct Fleet {
    explicit Fleet(std::size_t count, std::size_t cap = TransportOptions().maxTokenRequests,
                   std::chrono::milliseconds tokenExchange = 10min) {
        TransportOptions connections;
        connections.maxTokenRequests = cap;
        transport = std::make_shared<detail::HttpTransport>(io.get_executor(), connections, nullptr);
        ClientOptions options = optionsFor(fake);
        options.timeouts.tokenExchange = tokenExchange;
        options.timeouts.firstByte = options.timeouts.stall = 10min;
        options.observer = nullptr;
        OAuthStrategy strategy(clientId);
        strategy.storage = std::make_shared<MemoryTokenStorage>();
        common = std::make_shared<detail::SessionCommon>(transport, false, strategy, options, clock);
        for (std::size_t i = 0; i < count; ++i)
            sessions.push_back(std::make_shared<detail::Session>(common, std::to_string(i)));
        failures.resize(count);
    }

    static asio::awaitable<void> getToken(Fleet* fleet, std::size_t number) {
        detail::SessionPtr session = fleet->sessions[number];
        const TokenOutcome got = co_await session->tokens->usable(detail::WaitLimits());
        if (got.has_error()) fleet->failures[number] = got.error();
        fleet->ended.push_back(number);
    }
    static asio::awaitable<void> callApi(Fleet* fleet, std::size_t number) {
        detail::SessionPtr session = fleet->sessions[number];
        auto prepared = detail::prepare(*session, Request("GET", cartPath), session->common->api);
        const auto reply = co_await detail::runCall(session->calls(), std::move(*prepared), detail::WaitLimits());
        if (reply.has_value() && reply->status == 404) ++fleet->answered;
    }
    /// Starts a caller of a token for each of [from, to), in this order.
    void start(std::size_t from, std::size_t to) {
        if (io.stopped()) io.restart();
        for (std::size_t i = from; i < to; ++i) asio::co_spawn(io, getToken(this, i), asio::detached);
    }
    void startCalls(std::size_t from, std::size_t to) {
        if (io.stopped()) io.restart();
        for (std::size_t i = from; i < to; ++i) asio::co_spawn(io, callApi(this, i), asio::detached);
    }
    /// As runUntil(), but it looks seldom: with thousands of sessions a look takes its time.
    template <class Condition>
    void runUntilLater(Condition isReached) {
        const auto giveUp = std::chrono::steady_clock::now() + 5min;
        while (!isReached()) {
            REQUIRE(std::chrono::steady_clock::now() < giveUp);
            if (io.stopped()) io.restart();
            io.run_for(10ms);
        }
    }
    /// All have tokens.
    void begin() {
        start(0, sessions.size());
        io.run();
        REQUIRE(ended.size() == sessions.size());
        REQUIRE(failed() == 0);
        ended.clear();
    }
    void advance(std::chrono::seconds by) {
        clock.clock.advance(by);
        fake.advanceClock(by);
    }
    std::size_t failed() const {
        return static_cast<std::size_t>(
            std::count_if(failures.begin(), failures.end(), [](const Failure& one) { return one.code.failed(); }));
    }
    std::uint64_t tokenRequests() const { return fake.state().requests["token"]; }

    FakeWix fake{plainHttp()};
    RollingClock clock;
    asio::io_context io;
    std::shared_ptr<detail::HttpTransport> transport;
    std::shared_ptr<const detail::SessionCommon> common;
    std::vector<detail::SessionPtr> sessions;
    std::vector<Failure> failures;   // by session
    std::vector<std::size_t> ended;  // the callers of tokens, in the order of their end
    std::size_t answered = 0;
};

}  // namespace

TEST_CASE("10 000 sessions expire in the same second: never more exchanges at a time than the cap, in order [90]") {
    Fleet fleet(many);
    fleet.begin();
    const std::size_t cap = TransportOptions().maxTokenRequests;
    CHECK(fleet.fake.state().visitors == many);
    CHECK(fleet.fake.state().totalConnections <= cap);

    fleet.advance(5h);
    fleet.fake.hold("token");
    const auto before = fleet.tokenRequests();
    fleet.start(0, many);
    fleet.runUntilLater([&] { return fleet.fake.waitUntilHeld("token", cap, 0ms); });
    fleet.io.poll();  // all the others have come to stand in line
    CHECK(fleet.transport->openConnections() == cap);
    CHECK(fleet.tokenRequests() == before + cap);
    CHECK(fleet.ended.empty());

    fleet.fake.release("token");
    fleet.io.run();
    REQUIRE(fleet.ended.size() == many);
    CHECK(fleet.failed() == 0);
    CHECK(fleet.tokenRequests() == before + many);
    CHECK(fleet.fake.state().tokens["refresh_token"] == many);
    CHECK(fleet.fake.state().visitors == many);
    // Each exchange has a connection while it is under way, and there were never more of these.
    CHECK(fleet.fake.state().totalConnections <= 2 * cap);
    CHECK(fleet.transport->openConnections() <= cap);
    // Nobody is overtaken by more than those that are served beside them.
    std::size_t farthest = 0;
    for (std::size_t place = 0; place < many; ++place) {
        const std::size_t number = fleet.ended[place];
        farthest = std::max(farthest, place > number ? place - number : number - place);
    }
    CHECK(farthest < 8 * cap);
}

TEST_CASE("sessions that began in the same second do not ask for their renewal in the same second [90]") {
    Fleet fleet(many);
    fleet.begin();
    // Tokens live for 4 h: renewals ahead of need begin 200 to 300 s before their end, each at a moment of its own.
    fleet.advance(4h - 301s);
    std::size_t due = 0;
    std::size_t mostInOneSecond = 0;
    for (int second = 0; second < 110; ++second) {
        const std::size_t now = static_cast<std::size_t>(
            std::count_if(fleet.sessions.begin(), fleet.sessions.end(), [&](const detail::SessionPtr& session) {
                const auto snapshot = session->tokens->fresh();
                return snapshot && snapshot->life.at(fleet.clock.boot()) != detail::Freshness::fresh;
            }));
        mostInOneSecond = std::max(mostInOneSecond, now - due);
        due = now;
        fleet.clock.clock.advance(1s);
    }
    CHECK(due == many);
    CHECK(mostInOneSecond < many / 25);  // 1 in 100 on average
}

TEST_CASE("one session's exchange is stuck, and all the others renew and call as if nothing were [91]") {
    Fleet fleet(many);
    fleet.begin();
    fleet.advance(5h);
    fleet.fake.dripNext("token", 1, 1h);  // its answer begins and does not go on
    const auto before = fleet.tokenRequests();
    fleet.start(0, 1);
    fleet.runUntilLater([&] { return fleet.tokenRequests() == before + 1; });
    fleet.startCalls(1, many);
    fleet.runUntilLater([&] { return fleet.answered == many - 1; });
    CHECK(fleet.tokenRequests() == before + many);
    CHECK(fleet.ended.empty());
    fleet.transport->close();
    fleet.io.run();
    CHECK(fleet.ended == std::vector<std::size_t>{0});
    CHECK(fleet.failures[0].code.failed());
}

TEST_CASE("all places for exchanges but one are stuck: the others share that one, and calls go on [91]") {
    Fleet fleet(200, 4);
    fleet.begin();
    fleet.advance(5h);
    fleet.fake.dripNext("token", 3, 1h);
    const auto before = fleet.tokenRequests();
    fleet.start(0, 3);
    fleet.runUntilLater([&] { return fleet.tokenRequests() == before + 3; });
    fleet.startCalls(3, 200);
    fleet.runUntilLater([&] { return fleet.answered == 197; });
    CHECK(fleet.ended.empty());
    fleet.transport->close();
    fleet.io.run();
}

TEST_CASE("all places for exchanges are stuck: calls with a token go on, and the deadline frees the places [91]") {
    Fleet fleet(100, 2, 500ms);
    fleet.begin();
    // The sessions from 50 on renew now; the others' tokens are of before.
    fleet.advance(3h);
    for (std::size_t i = 50; i < 100; ++i)
        asio::co_spawn(fleet.io, fleet.sessions[i]->tokens->renew(detail::WaitLimits())(asio::use_awaitable),
                       asio::detached);
    fleet.io.restart();
    fleet.io.run();
    fleet.advance(2h);
    fleet.fake.dripNext("token", 2, 1h);
    const auto before = fleet.tokenRequests();
    fleet.start(0, 2);
    fleet.runUntilLater([&] { return fleet.tokenRequests() == before + 2; });
    fleet.start(2, 10);  // they wait in line
    fleet.startCalls(50, 100);
    fleet.runUntilLater([&] { return fleet.answered == 50; });
    fleet.io.run();  // until the deadline, and what comes after it
    REQUIRE(fleet.ended.size() == 10);
    CHECK(fleet.failures[0].code == Errc::timeout);
    CHECK(fleet.failures[1].code == Errc::timeout);
    // Whoever waited in line was served when the places came free, or is so at the next try.
    fleet.failures.assign(100, Failure());
    fleet.ended.clear();
    fleet.advance(10min);
    fleet.start(0, 10);
    fleet.io.run();
    CHECK(fleet.ended.size() == 10);
    CHECK(fleet.failed() == 0);
    CHECK(fleet.fake.state().visitors == 100);
}
