#include "crowd.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <utility>

#include "support/measure.hpp"

namespace asio = boost::asio;

namespace wix::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds tokenDelay{50};
constexpr std::size_t mostCancelled = 64;

double milliseconds(SteadyClock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

struct Arrivals {
    explicit Arrivals(std::size_t callers) : tokens(callers) {}
    std::vector<Tokens> tokens;
    std::size_t arrived = 0;
    SteadyClock::time_point last;
    double cpu = 0;  // of this thread, at that moment
};

asio::awaitable<void> oneCaller(asio::awaitable<Tokens> waiting, Arrivals* arrivals, std::size_t place) {
    arrivals->tokens[place] = co_await std::move(waiting);
    if (++arrivals->arrived < arrivals->tokens.size()) co_return;
    arrivals->last = SteadyClock::now();
    arrivals->cpu = threadCpuMicros();
}

asio::awaitable<void> cancelledCaller(asio::awaitable<Tokens> waiting) { co_await std::move(waiting); }

asio::awaitable<void> keep(Client client, Tokens* tokens) { *tokens = co_await client.generateVisitorTokens(); }

class SharedClient final : public RenewalDesign {
public:
    explicit SharedClient(Client client) : client_(std::move(client)) {}
    asio::awaitable<Tokens> tokens() override { return client_.generateVisitorTokens(); }

private:
    Client client_;
};

}  // namespace

Client ExpiredSession::client() const {
    OAuthStrategy strategy("11111111-2222-3333-4444-555555555555");
    strategy.tokens = tokens;
    return Client(transport, std::move(strategy), options);
}

DesignPtr sharedClient(const ExpiredSession& session) { return std::make_unique<SharedClient>(session.client()); }

Crowd::Crowd(testing::FakeWix& fake) : fake_(fake) {
    TransportOptions transport;
    transport.tls.caPem = fake.caPem();
    ClientOptions options;
    options.apiUrl = options.edgeUrl = fake.url();
    session_.emplace(Transport(io_.get_executor(), transport), options, Tokens());
    asio::co_spawn(io_, keep(session_->client(), &session_->tokens), asio::detached);
    run();
    if (session_->tokens.empty()) throw std::runtime_error("the fake gave no session");
    session_->tokens.accessToken.expiresAt = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
    fake.setDelay("token", tokenDelay);
}

CrowdOutcome Crowd::renew(RenewalDesign& design, std::size_t callers, Answer answer) {
    run();  // what the last crowd has left behind
    CrowdOutcome outcome;
    Arrivals arrivals(callers);
    if (answer == Answer::held) fake_.hold("token", testing::HoldPoint::beforeReply);
    const std::uint64_t exchangesBefore = exchanges();
    const std::size_t heapBefore = heapBytes();

    const auto began = SteadyClock::now();
    for (std::size_t i = 0; i < callers; ++i)
        asio::co_spawn(io_, oneCaller(design.tokens(), &arrivals, i), asio::detached);
    auto released = began;
    double cpuReleased = 0;
    if (answer == Answer::held) {
        awaitAll();
        const std::size_t heap = heapBytes();
        if (heap > heapBefore)
            outcome.bytesPerCaller = static_cast<double>(heap - heapBefore) / static_cast<double>(callers);
        cpuReleased = threadCpuMicros();
        released = SteadyClock::now();
        fake_.release("token");
    }
    run();

    outcome.milliseconds = milliseconds(arrivals.last - began);
    outcome.afterAnswer = milliseconds(arrivals.last - released);
    outcome.cpuAfterAnswer = (arrivals.cpu - cpuReleased) / 1e3;
    outcome.exchanges = exchanges() - exchangesBefore;
    outcome.visitors = fake_.state().visitors;
    if (arrivals.arrived != callers) throw std::runtime_error("a caller got no token");
    const std::string& first = arrivals.tokens.front().accessToken.value;
    for (const Tokens& tokens : arrivals.tokens)
        if (answer == Answer::held && tokens.accessToken.value != first)
            throw std::runtime_error("a caller got another token");
    return outcome;
}

double Crowd::cancelMicros(RenewalDesign& design, std::size_t callers) {
    // Neither the first one, which renews in a naive design, nor the last.
    const std::size_t every = std::max<std::size_t>(callers / mostCancelled, 2);
    std::deque<asio::cancellation_signal> signals;
    std::size_t ended = 0;
    fake_.hold("token", testing::HoldPoint::beforeReply);
    for (std::size_t i = 0; i < callers; ++i) {
        if (i % every == every / 2)
            asio::co_spawn(
                io_, cancelledCaller(design.tokens()),
                asio::bind_cancellation_slot(signals.emplace_back().slot(),
                                             [&ended](std::exception_ptr error) { ended += error ? 1 : 0; }));
        else
            asio::co_spawn(io_, cancelledCaller(design.tokens()), asio::detached);
    }
    awaitAll();
    std::vector<double> micros;
    for (asio::cancellation_signal& signal : signals) {
        const std::size_t before = ended;
        const auto began = SteadyClock::now();
        signal.emit(asio::cancellation_type::terminal);
        while (ended == before)
            if (io_.poll() == 0) throw std::runtime_error("a cancelled caller does not resume");
        micros.push_back(milliseconds(SteadyClock::now() - began) * 1e3);
    }
    fake_.release("token");
    run();
    return median(std::move(micros));
}

/// Until the answer is held and nothing is left to run: all callers wait for it.
void Crowd::awaitAll() {
    const auto latest = SteadyClock::now() + std::chrono::seconds(30);
    io_.restart();
    do {
        while (io_.poll() > 0) continue;
        if (SteadyClock::now() > latest) throw std::runtime_error("no exchange has arrived");
    } while (!fake_.waitUntilHeld("token", 1, std::chrono::milliseconds(1)));
}

void Crowd::run() {
    io_.restart();
    io_.run();
}

std::uint64_t Crowd::exchanges() const {
    std::uint64_t all = 0;
    for (const auto& [grant, count] : fake_.state().tokens) all += count;
    return all;
}

}  // namespace wix::bench
