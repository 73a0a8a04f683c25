#include "sessions/session_calls.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace asio = boost::asio;
namespace json = boost::json;

namespace wix::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::size_t keyBytes = 32;
const std::string productPath = "/stores-reader/v1/products/a0000000-0000-4000-8000-000000000002";

}  // namespace

std::string keyOf(std::size_t number) {
    const std::string digits = std::to_string(number);
    return std::string(keyBytes - digits.size(), '0') + digits;
}

std::size_t numberOf(const std::string& key) { return std::stoul(key.substr(key.size() - keyBytes)); }

VisitorSessions sessionsOf(asio::io_context& io, const testing::FakeWix& fake, OAuthStrategy strategy) {
    TransportOptions transport;
    transport.tls.caPem = fake.caPem();
    ClientOptions options;
    options.apiUrl = options.edgeUrl = fake.url();
    // On a slow machine thousands of sessions in line for a token take longer than one may wait by default.
    options.timeouts.call = options.timeouts.tokenExchange = std::chrono::minutes(4);
    VisitorSessionsOptions limits;
    limits.maxSessions = 10'000'000;
    return VisitorSessions(Transport(io.get_executor(), transport), std::move(strategy), std::move(options), limits);
}

void SessionCalls::start(asio::io_context& io, std::size_t workers) {
    if (io.stopped()) io.restart();
    for (std::size_t i = 0; i < workers; ++i) asio::co_spawn(io, work(this), rethrow);
}

asio::awaitable<void> SessionCalls::work(SessionCalls* calls) {
    while (calls->next_ < calls->numbers_.size()) {
        const std::size_t place = calls->next_++;
        const auto began = SteadyClock::now();
        const Client client = co_await calls->sessions_.open(keyOf(calls->numbers_[place]));
        const json::value answer = co_await client.get(productPath);
        if (!answer.as_object().contains("product")) throw std::runtime_error("a call got another answer");
        calls->micros_[place] = std::chrono::duration<double, std::micro>(SteadyClock::now() - began).count();
        ++calls->answered_;
    }
}

}  // namespace wix::bench
