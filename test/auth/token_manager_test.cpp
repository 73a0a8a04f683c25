// The driver of the token state, with a clock that stands still and a transport that answers from a script.
#include <doctest/doctest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <deque>
#include <functional>

#include "auth/token_manager.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::detail;
using wix::test::runOn;
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

class ManualClock final : public Clock {
public:
    BootTime boot() const override { return time; }
    WallTime wall() const override {
        return WallTime(1'700'000'000s) + std::chrono::duration_cast<WallTime::duration>(time.time_since_epoch());
    }
    double random() const override { return 0.5; }
    BootTime time{1h};
};

HttpReply token(const std::string& access, int life, const std::string& refresh = std::string()) {
    std::string body = R"({"access_token":")" + access + R"(","expires_in":)" + std::to_string(life);
    if (!refresh.empty()) body += R"(,"refresh_token":")" + refresh + "\"";
    return HttpReply(200, Headers(), body + "}");
}

class ScriptedTransport final : public TransportInterface {
public:
    asio::awaitable<result<HttpReply>> send(WireRequestPtr request, WaitLimits limits) override {
        bodies.push_back(request->body);
        deadlines.push_back(limits.deadline);
        if (throws) throw std::bad_alloc();
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        result<HttpReply> next = std::move(replies.front());
        replies.pop_front();
        co_return next;
    }
    std::shared_ptr<void> backgroundSlot() override {
        ++slotsAsked;
        if (throws) throw std::bad_alloc();
        return slots ? std::make_shared<int>() : nullptr;
    }
    RetryQuotas& retryQuotas() override { return quotas; }
    RetryQuotas quotas;
    std::deque<result<HttpReply>> replies;
    std::vector<std::string> bodies;
    std::vector<SteadyTime> deadlines;
    bool slots = true;
    bool throws = false;
    int slotsAsked = 0;
};

struct Stage {
    explicit Stage(const RenewalWindows& windows = RenewalWindows()) {
        TokenManagerSetup setup;
        setup.strategy.windows = windows;
        setup.strategy.clientId = "client";
        setup.storageKey = "client";
        setup.transport = transport;
        setup.clock = &clock;
        manager = std::make_shared<TokenManager>(io.get_executor(), std::move(setup));
    }
    result<SnapshotPtr> usable() { return runOn(io, manager->usable(WaitLimits())); }
    ManualClock clock;
    std::shared_ptr<ScriptedTransport> transport = std::make_shared<ScriptedTransport>();
    asio::io_context io;
    std::shared_ptr<TokenManager> manager;
};

}  // namespace

TEST_CASE("a fresh token costs no hop, and none is there before the first exchange") {
    Stage stage;
    CHECK_FALSE(stage.manager->fresh());
    stage.transport->replies.emplace_back(token("a1", 14'400, "r1"));
    CHECK((*stage.usable())->tokens.accessToken.value == "a1");
    CHECK(stage.manager->fresh()->tokens.refreshToken.value == "r1");
    stage.io.restart();
    CHECK(stage.io.poll() == 0);
}

TEST_CASE("an advisory token is given at once, and renewed behind the callers by one exchange") {
    Stage stage;
    stage.transport->replies.emplace_back(token("a1", 14'400, "r1"));
    stage.usable();
    stage.clock.time += 14'400s - 90s;  // past the advisory point, before the mandatory one
    stage.transport->replies.emplace_back(token("a2", 14'400));
    for (int i = 0; i < 1000; ++i) CHECK(stage.manager->fresh()->tokens.accessToken.value == "a1");
    stage.io.restart();
    stage.io.run();
    CHECK(stage.manager->fresh()->tokens.accessToken.value == "a2");
    CHECK(stage.transport->bodies.size() == 2);
    CHECK(stage.transport->slotsAsked == 1);
}

TEST_CASE("a renewal ahead of need that finds no slot is tried again later, and nobody notices") {
    Stage stage;
    stage.transport->replies.emplace_back(token("a1", 14'400, "r1"));
    stage.usable();
    stage.clock.time += 14'400s - 90s;
    stage.transport->slots = false;
    for (int i = 0; i < 10; ++i) {
        CHECK(stage.manager->fresh());
        stage.io.restart();
        stage.io.run();
    }
    CHECK(stage.transport->slotsAsked == 1);  // not again within the second
    stage.clock.time += 2s;
    stage.transport->slots = true;
    stage.transport->replies.emplace_back(token("a2", 14'400));
    CHECK(stage.manager->fresh()->tokens.accessToken.value == "a1");
    stage.io.restart();
    stage.io.run();
    CHECK(stage.manager->fresh()->tokens.accessToken.value == "a2");
}

TEST_CASE("a failed renewal ahead of need is not repeated for every caller") {
    Stage stage;
    stage.transport->replies.emplace_back(token("a1", 14'400, "r1"));
    stage.usable();
    stage.clock.time += 14'400s - 90s;
    stage.transport->replies.emplace_back(HttpReply(503, Headers(), ""));
    for (int i = 0; i < 100; ++i) {
        CHECK(stage.manager->fresh());
        stage.io.restart();
        stage.io.run();
    }
    CHECK(stage.transport->bodies.size() == 2);
}

TEST_CASE("in the mandatory window callers wait, and use the token if the renewal fails") {
    Stage stage;
    stage.transport->replies.emplace_back(token("a1", 14'400, "r1"));
    stage.usable();
    stage.clock.time += 14'400s - 10s;
    CHECK_FALSE(stage.manager->fresh());
    stage.transport->replies.emplace_back(HttpReply(503, Headers(), ""));
    CHECK((*stage.usable())->tokens.accessToken.value == "a1");
    CHECK((*stage.usable())->tokens.accessToken.value == "a1");  // within the backoff: no exchange
    CHECK(stage.transport->bodies.size() == 2);
    stage.clock.time += 20s;  // dead, and the backoff is over
    stage.transport->replies.emplace_back(token("a2", 14'400));
    CHECK((*stage.usable())->tokens.accessToken.value == "a2");
}

TEST_CASE("the windows are those of the strategy") {
    RenewalWindows windows;
    windows.mandatory = 300s;
    Stage stage(windows);
    stage.transport->replies.emplace_back(token("a1", 14'400, "r1"));
    stage.usable();
    stage.clock.time += 14'400s - 200s;
    CHECK_FALSE(stage.manager->fresh());
}

TEST_CASE("a flight and its replay have one deadline") {
    Stage stage;
    stage.transport->replies.emplace_back(token("a1", 14'400, "r1"));
    stage.usable();
    stage.clock.time += 5h;
    Failure lost(Errc::connection_lost, "the test");
    lost.maybeSent = true;
    stage.transport->replies.emplace_back(lost);
    stage.transport->replies.emplace_back(token("a2", 14'400));
    CHECK((*stage.usable())->tokens.accessToken.value == "a2");
    REQUIRE(stage.transport->deadlines.size() == 3);
    CHECK(stage.transport->deadlines[1] == stage.transport->deadlines[2]);
}

TEST_CASE("a suspend of hours is an expiry [88]") {
    Stage stage;
    stage.transport->replies.emplace_back(token("a1", 14'400, "r1"));
    stage.usable();
    stage.clock.time += 8h;
    CHECK_FALSE(stage.manager->fresh());
    stage.transport->replies.emplace_back(token("a2", 14'400));
    CHECK((*stage.usable())->tokens.accessToken.value == "a2");
    CHECK(stage.transport->bodies.back().find("\"refreshToken\":\"r1\"") != std::string::npos);
}

TEST_CASE("an exchange that cannot even start ends its waiters, and the next one works") {
    Stage stage;
    stage.transport->throws = true;
    CHECK(stage.usable().error().code == Errc::token_unavailable);
    stage.transport->throws = false;
    stage.clock.time += 61s;
    stage.transport->replies.emplace_back(token("a1", 14'400, "r1"));
    CHECK((*stage.usable())->tokens.accessToken.value == "a1");
}

TEST_CASE("a renewal ahead of need that cannot even start leaves the session as it is") {
    Stage stage;
    stage.transport->replies.emplace_back(token("a1", 14'400, "r1"));
    stage.usable();
    stage.clock.time += 14'400s - 90s;
    stage.transport->throws = true;
    CHECK(stage.manager->fresh());
    stage.io.restart();
    CHECK_NOTHROW(stage.io.run());
    stage.transport->throws = false;
    stage.clock.time += 60s;
    stage.transport->replies.emplace_back(token("a2", 14'400));
    CHECK((*stage.usable())->tokens.accessToken.value == "a2");
}

TEST_CASE("after close nothing is published and nothing is started") {
    Stage stage;
    stage.transport->replies.emplace_back(token("a1", 14'400, "r1"));
    stage.usable();
    runOn(stage.io, stage.manager->close());
    CHECK_FALSE(stage.manager->fresh());
    CHECK(stage.usable().error().code == asio::error::operation_aborted);
    CHECK(stage.transport->bodies.size() == 1);
}
