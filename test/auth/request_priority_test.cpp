// The priority of each token request: what waits for it.
#include <doctest/doctest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <vector>

#include "auth/control_visitor.hpp"
#include "auth/token_manager.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::detail;
using wix::test::runOn;
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

class StandingClock final : public Clock {
public:
    BootTime boot() const override { return time; }
    WallTime wall() const override { return WallTime(1'700'000'000s); }
    double random() const override { return 0.5; }
    BootTime time{1h};
};

class RecordingTransport final : public TransportInterface {
public:
    asio::awaitable<result<HttpReply>> send(WireRequestPtr request, WaitLimits) override {
        priorities.push_back(request->priority);
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        co_return HttpReply(200, Headers(), R"({"access_token":"a","refresh_token":"r","expires_in":14400})");
    }
    std::shared_ptr<void> backgroundSlot() override { return std::make_shared<int>(); }
    RetryQuotas& retryQuotas() override { return quotas; }
    RetryQuotas quotas;
    std::vector<Priority> priorities;
};

}  // namespace

TEST_CASE("new visitors, renewals that callers wait for and background renewals have a priority each [C21]") {
    const auto transport = std::make_shared<RecordingTransport>();
    StandingClock clock;
    asio::io_context io;
    TokenManagerSetup setup;
    setup.strategy.clientId = setup.storageKey = "client";
    setup.transport = transport;
    setup.clock = &clock;
    const auto manager = std::make_shared<TokenManager>(io.get_executor(), std::move(setup));
    const auto next = [&] { return transport->priorities.back(); };

    REQUIRE(runOn(io, manager->usable(WaitLimits())).has_value());
    CHECK(next() == Priority::elevated);

    clock.time += 14'400s - 90s;  // in the advisory window
    CHECK(manager->fresh());
    io.restart();
    io.run();
    REQUIRE(transport->priorities.size() == 2);
    CHECK(next() == Priority::background);

    clock.time += 15'000s;  // expired
    REQUIRE(runOn(io, manager->usable(WaitLimits())).has_value());
    REQUIRE(transport->priorities.size() == 3);
    CHECK(next() == Priority::urgent);

    const auto active = runOn(io, manager->active(WaitLimits()));
    clock.time += 1h;
    REQUIRE(runOn(io, manager->afterUnauthorized((*active)->generation, WaitLimits())).has_value());
    CHECK(next() == Priority::urgent);
    clock.time += 1h;
    REQUIRE(runOn(io, manager->renew(WaitLimits())).has_value());
    CHECK(next() == Priority::urgent);
    CHECK(transport->priorities.size() == 5);
}

TEST_CASE("the requests of a control are urgent, since the sessions that asked wait for it [C21]") {
    const auto transport = std::make_shared<RecordingTransport>();
    StandingClock clock;
    asio::io_context io;
    const auto control = std::make_shared<ControlVisitor>(transport, WireRequest(), "client", clock);
    CHECK(runOn(io, control->ask(asio::make_strand(io), WaitLimits())).succeeded);
    CHECK(transport->priorities == std::vector<Priority>{Priority::urgent, Priority::urgent});  // a grant, a refresh
}
