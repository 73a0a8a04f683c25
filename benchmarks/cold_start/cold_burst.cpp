// 64 calls at once without open connections: how much time does a slow name look-up add, and is there only one?
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/json/object.hpp>

#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "call/call_runner.hpp"
#include "http/host_lookups.hpp"
#include "http/http_transport.hpp"
#include "http/tls_context.hpp"
#include "session.hpp"
#include "support/arguments.hpp"
#include "support/measure.hpp"
#include "support/sample.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace wix::bench {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t calls = 64;
constexpr milliseconds slowLookUp{200};
constexpr const char* clientId = "11111111-2222-3333-4444-555555555555";
const std::string productPath = "/stores-reader/v1/products/a0000000-0000-4000-8000-000000000002";

asio::awaitable<void> newVisitor(Client client, Tokens* tokens) { *tokens = co_await client.generateVisitorTokens(); }

ClientOptions optionsFor(const testing::FakeWix& fake) {
    ClientOptions options;
    options.apiUrl = options.edgeUrl = fake.url();
    options.transport.tls.caPem = fake.caPem();
    return options;
}

Tokens tokensOf(const testing::FakeWix& fake) {
    asio::io_context io(1);
    const Client client(io.get_executor(), OAuthStrategy(clientId), optionsFor(fake));
    Tokens tokens;
    asio::co_spawn(io, newVisitor(client, &tokens), rethrow);
    io.run();
    return tokens;
}

/// Returns 127.0.0.1 after a delay, and counts its calls.
class CountingLookUp {
public:
    explicit CountingLookUp(milliseconds delay) : delay_(delay) {}
    detail::FoundHost operator()(const std::string&) const {
        const auto begun = SteadyClock::now();
        ++facts_->count;
        if (delay_.count() > 0) std::this_thread::sleep_for(delay_);
        facts_->took = SteadyClock::now() - begun;
        return detail::FoundHost(
            std::vector<detail::Endpoint>(1, detail::Endpoint(asio::ip::address_v4::loopback(), 0)));
    }
    int count() const { return facts_->count; }
    /// Duration of the latest call. A busy machine wakes the thread late.
    double millis() const { return std::chrono::duration<double, std::milli>(facts_->took.load()).count(); }

private:
    struct Facts {
        std::atomic<int> count{0};
        std::atomic<SteadyClock::duration> took{SteadyClock::duration(0)};
    };
    milliseconds delay_;
    std::shared_ptr<Facts> facts_ = std::make_shared<Facts>();
};

/// A session with a valid token, whose transport has no connection and no address yet.
class ColdBurst {
public:
    ColdBurst(const testing::FakeWix& fake, const Tokens& tokens, milliseconds lookUpDelay) : lookUp_(lookUpDelay) {
        const ClientOptions options = optionsFor(fake);
        OAuthStrategy strategy(clientId);
        strategy.tokens = tokens;
        const auto lookUps = std::make_shared<detail::HostLookups>(lookUp_);
        transport_ = std::make_shared<detail::HttpTransport>(io_.get_executor(), options.transport,
                                                             detail::makeTlsContext(options.transport.tls).value(),
                                                             lookUps->factory());
        session_ = std::make_shared<detail::Session>(transport_, false, std::move(strategy), options);
    }
    ~ColdBurst() {
        transport_->close();
        io_.restart();
        io_.run();
    }
    ColdBurst(const ColdBurst&) = delete;
    ColdBurst& operator=(const ColdBurst&) = delete;

    void run() {
        const auto begun = SteadyClock::now();
        for (std::size_t i = 0; i < calls; ++i) asio::co_spawn(io_, call(session_, this), rethrow);
        io_.run();
        millis_ = std::chrono::duration<double, std::milli>(lastAt_ - begun).count();
    }
    double millis() const { return millis_; }
    const CountingLookUp& lookUp() const { return lookUp_; }
    std::size_t failed() const { return calls - succeeded_; }

private:
    static asio::awaitable<void> call(detail::SessionPtr session, ColdBurst* burst) {
        const Request request("GET", productPath);
        auto prepared = detail::prepare(*session, request, session->common->api);
        const detail::WaitLimits limits(detail::MonotonicClock::now() + std::chrono::minutes(1), std::stop_token());
        const result<detail::HttpReply> response =
            co_await detail::runCall(session->calls(), std::move(prepared.value()), limits);
        if (response.has_value() && response->status == 200) ++burst->succeeded_;
        burst->lastAt_ = SteadyClock::now();
    }

    asio::io_context io_{1};
    CountingLookUp lookUp_;
    std::shared_ptr<detail::HttpTransport> transport_;
    detail::SessionPtr session_;
    std::size_t succeeded_ = 0;
    SteadyClock::time_point lastAt_;
    double millis_ = 0;
};

void measure(const testing::FakeWix& fake, const Tokens& tokens, milliseconds lookUpDelay) {
    ColdBurst burst(fake, tokens, lookUpDelay);
    burst.run();
    json::object parameters;
    parameters["calls"] = calls;
    parameters["lookUp"] = lookUpDelay.count();
    sample("wix::Client", parameters, "time of a burst", "ms", burst.millis());
    sample("wix::Client", parameters, "time of the look-up", "ms", burst.lookUp().millis());
    sample("wix::Client", parameters, "look-ups", "count", burst.lookUp().count());
    sample("wix::Client", parameters, "failed calls", "count", static_cast<double>(burst.failed()));
}

void run(const Arguments& arguments) {
    const std::size_t rounds = arguments.rounds > 0 ? arguments.rounds : 5;
    if (arguments.pin) pinTo(Core::last);  // the thread of the fake inherits it
    const testing::FakeWix fake;
    if (arguments.pin) pinTo(Core::first);
    const Tokens tokens = tokensOf(fake);
    ColdBurst(fake, tokens, milliseconds(0)).run();  // OpenSSL is set up once for each process
    for (std::size_t round = 0; round < rounds; ++round) {
        const bool slowFirst = round % 2 == 1;
        measure(fake, tokens, slowFirst ? slowLookUp : milliseconds(0));
        measure(fake, tokens, slowFirst ? milliseconds(0) : slowLookUp);
    }
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) { return wix::bench::runProgram(count, values, wix::bench::run); }
