#include "renewal/waiting_crowd.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

#include "support/measure.hpp"

namespace asio = boost::asio;

namespace wix::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::size_t mostCancelled = 64;

Transport transportTo(const testing::FakeWix& fake, asio::io_context& io) {
    TransportOptions options;
    options.tls.caPem = fake.caPem();
    return Transport(io.get_executor(), options);
}

ClientOptions optionsFor(const testing::FakeWix& fake) {
    ClientOptions options;
    options.apiUrl = options.edgeUrl = fake.url();
    return options;
}

struct Arrivals {
    explicit Arrivals(std::size_t callers) : tokens(callers) {}
    std::vector<Tokens> tokens;
    std::size_t arrived = 0;
    double cpu = 0;  // of this thread, when the last one arrived
};

asio::awaitable<void> oneCaller(asio::awaitable<Tokens> waiting, Arrivals* arrivals, std::size_t place) {
    arrivals->tokens[place] = co_await std::move(waiting);
    if (++arrivals->arrived == arrivals->tokens.size()) arrivals->cpu = threadCpuMicros();
}

asio::awaitable<void> cancelledCaller(asio::awaitable<Tokens> waiting) { co_await std::move(waiting); }

asio::awaitable<void> keep(Client client, Tokens* tokens) { *tokens = co_await client.generateVisitorTokens(); }

}  // namespace

WaitingCrowd::WaitingCrowd(testing::FakeWix& fake, std::string design)
    : fake_(fake), design_(std::move(design)), session_(transportTo(fake, io_), optionsFor(fake)) {
    asio::co_spawn(io_, keep(session_.client(), &session_.tokens), rethrow);
    run();
    session_.tokens.accessToken.expiresAt = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
}

WaitingCost WaitingCrowd::renew(std::size_t callers) {
    run();  // what the last crowd has left behind
    const DesignPtr design = makeDesign(design_, session_, callers);
    Arrivals arrivals(callers);
    fake_.hold("token", testing::HoldPoint::beforeReply);
    const std::uint64_t exchangesBefore = fake_.state().tokens["refresh_token"];
    const std::size_t heapBefore = heapBytes();
    for (std::size_t i = 0; i < callers; ++i)
        asio::co_spawn(io_, oneCaller(design->tokens(), &arrivals, i), asio::detached);
    awaitAll(callers);

    WaitingCost cost;
    const std::size_t heap = heapBytes();
    if (heap > heapBefore) cost.bytesPerCaller = static_cast<double>(heap - heapBefore) / static_cast<double>(callers);
    const double cpuReleased = threadCpuMicros();
    fake_.release("token");
    run();
    cost.cpuMillis = (arrivals.cpu - cpuReleased) / 1e3;
    cost.exchanges = fake_.state().tokens["refresh_token"] - exchangesBefore;

    if (arrivals.arrived != callers) throw std::runtime_error("a caller got no token");
    const std::string& first = arrivals.tokens.front().accessToken.value;
    for (const Tokens& tokens : arrivals.tokens)
        if (design_ != "every" && tokens.accessToken.value != first)
            throw std::runtime_error("a caller got another token");
    return cost;
}

double WaitingCrowd::cancelMicros(std::size_t callers) {
    // Neither the first one nor the last.
    const std::size_t every = std::max<std::size_t>(callers / mostCancelled, 2);
    const DesignPtr design = makeDesign(design_, session_, callers);
    std::deque<asio::cancellation_signal> signals;
    std::size_t ended = 0;
    fake_.hold("token", testing::HoldPoint::beforeReply);
    for (std::size_t i = 0; i < callers; ++i) {
        asio::awaitable<void> caller = cancelledCaller(design->tokens());
        if (i % every == every / 2)
            asio::co_spawn(
                io_, std::move(caller),
                asio::bind_cancellation_slot(signals.emplace_back().slot(),
                                             [&ended](std::exception_ptr error) { ended += error ? 1 : 0; }));
        else
            asio::co_spawn(io_, std::move(caller), asio::detached);
    }
    awaitAll(callers);
    std::vector<double> micros;
    for (asio::cancellation_signal& signal : signals) {
        const std::size_t before = ended;
        const auto began = SteadyClock::now();
        signal.emit(asio::cancellation_type::terminal);
        while (ended == before)
            if (io_.poll() == 0) throw std::runtime_error("a cancelled caller does not resume");
        micros.push_back(std::chrono::duration<double, std::micro>(SteadyClock::now() - began).count());
    }
    fake_.release("token");
    run();
    return median(std::move(micros));
}

/// Until the answers are held and nothing is left to run: all callers wait for them.
void WaitingCrowd::awaitAll(std::size_t callers) {
    const std::size_t held = design_ == "every" ? std::min(callers, TransportOptions().maxTokenRequests) : 1;
    const auto latest = SteadyClock::now() + std::chrono::seconds(30);
    io_.restart();
    do {
        while (io_.poll() > 0) continue;
        if (SteadyClock::now() > latest) throw std::runtime_error("no exchange has arrived");
    } while (!fake_.waitUntilHeld("token", held, std::chrono::milliseconds(1)));
}

void WaitingCrowd::run() {
    io_.restart();
    io_.run();
}

}  // namespace wix::bench
