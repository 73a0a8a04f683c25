// The sessions of 10 000 visitors fall due in the same second, and each makes a call. Twice: their tokens come to the time
// to be renewed ahead of need, and they have expired. How many token requests are under way at a time, and does a call
// wait for one although its token is valid? The tokens are real ones of as many visitors; a storage says when they expire.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sessions/session_calls.hpp"
#include "support/arguments.hpp"
#include "support/measure.hpp"
#include "support/sample.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace wix::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;
using Second = std::chrono::sys_seconds;

constexpr const char* ahead = "renewed ahead of need";
constexpr const char* expired = "expired";
constexpr std::size_t workers = 32;
constexpr std::size_t everyFreshOne = 11;  // each eleventh session is not due
constexpr milliseconds tokenDelay{5};
constexpr milliseconds patience{20'000};  // a call that takes longer while the endpoint is silent waits for it
constexpr seconds advisory{300};          // of every session alike: so they fall due in the same second

bool isDue(std::size_t number) { return number % everyFreshOne != everyFreshOne - 1; }

Second currentSecond() { return std::chrono::floor<seconds>(std::chrono::system_clock::now()); }

/// The record of each visitor. What is saved is forgotten: each round begins alike.
class DueStorage final : public TokenStorage {
public:
    explicit DueStorage(std::vector<Tokens> visitors) : visitors_(std::move(visitors)) {}
    void setExpiry(Second ofDue) { ofDue_ = ofDue; }
    std::size_t size() const { return visitors_.size(); }

    asio::awaitable<std::optional<StoredTokens>> load(std::string key) override {
        const std::size_t number = numberOf(key);
        Tokens tokens = visitors_.at(number);
        if (isDue(number)) tokens.accessToken.expiresAt = ofDue_;
        StoredTokens record(std::move(tokens), 1);
        co_return std::optional<StoredTokens>(std::move(record));
    }
    asio::awaitable<SaveResult> save(std::string, Tokens, std::uint64_t expectedVersion) override {
        co_return SaveResult::saved(expectedVersion + 1);
    }
    asio::awaitable<void> erase(std::string) override { co_return; }

private:
    const std::vector<Tokens> visitors_;
    Second ofDue_{};
};

/// How many token requests the endpoint has under way: looked at all the time, for as long as this lives. Each takes
/// `tokenDelay` at least.
class EndpointWatch {
public:
    explicit EndpointWatch(const testing::FakeWix& fake) : fake_(fake), thread_([this] { watch(); }) {}
    ~EndpointWatch() {
        stop_ = true;
        thread_.join();
    }
    EndpointWatch(const EndpointWatch&) = delete;
    EndpointWatch& operator=(const EndpointWatch&) = delete;

    static std::size_t underWay(const testing::FakeWixState& state) {
        const auto arrived = state.requests.find("token");
        std::uint64_t answered = 0;
        for (const auto& [grant, count] : state.tokens) answered += count;
        return arrived == state.requests.end() ? 0 : arrived->second - answered;
    }
    std::size_t most() const { return most_; }

private:
    void watch() {
        while (!stop_) {
            most_ = std::max<std::size_t>(most_, underWay(fake_.state()));
            std::this_thread::sleep_for(milliseconds(1));
        }
    }

    const testing::FakeWix& fake_;
    std::atomic<bool> stop_ = false;
    std::atomic<std::size_t> most_ = 0;
    std::thread thread_;
};

std::uint64_t exchanges(const testing::FakeWix& fake) { return fake.state().tokens["refresh_token"]; }

void tell(const char* subject, const char* metric, const char* unit, double value) {
    sample(subject, json::object(), metric, unit, value);
}

asio::awaitable<void> newVisitors(VisitorSessions sessions, std::vector<Tokens>* visitors, std::size_t* next) {
    while (*next < visitors->size()) {
        const std::size_t number = (*next)++;
        const Client client = co_await sessions.open(keyOf(number));
        (*visitors)[number] = co_await client.generateVisitorTokens();
    }
}

std::vector<Tokens> makeVisitors(const testing::FakeWix& fake, std::size_t count) {
    asio::io_context io(1);
    OAuthStrategy strategy(clientId);
    strategy.storage = std::make_shared<MemoryTokenStorage>();
    const VisitorSessions sessions = sessionsOf(io, fake, strategy);
    std::vector<Tokens> visitors(count);
    std::size_t next = 0;
    for (std::size_t i = 0; i < workers; ++i) asio::co_spawn(io, newVisitors(sessions, &visitors, &next), rethrow);
    io.run();
    return visitors;
}

asio::awaitable<void> loadAll(VisitorSessions sessions, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const Client client = co_await sessions.open(keyOf(i));
        const Tokens tokens = co_await client.getTokens();
        if (tokens.empty()) throw std::logic_error("a visitor has no tokens");
    }
}

/// All sessions of one round, in memory.
class DueSessions {
public:
    DueSessions(testing::FakeWix& fake, std::shared_ptr<DueStorage> storage, Second expiry)
        : fake_(fake), storage_(std::move(storage)), sessions_(sessionsOf(io_, fake, strategy())) {
        storage_->setExpiry(expiry);
        asio::co_spawn(io_, loadAll(sessions_, storage_->size()), rethrow);
        io_.run();
    }

    std::vector<std::size_t> all() const {
        std::vector<std::size_t> numbers(storage_->size());
        std::iota(numbers.begin(), numbers.end(), std::size_t{0});
        return numbers;
    }
    std::vector<std::size_t> due() const {
        std::vector<std::size_t> numbers = all();
        std::erase_if(numbers, [](std::size_t number) { return !isDue(number); });
        return numbers;
    }
    VisitorSessions sessions() const { return sessions_; }
    asio::io_context& io() { return io_; }

    /// Until all calls have ended, or for so long.
    void runCalls(const SessionCalls& calls, milliseconds longest) {
        const auto latest = SteadyClock::now() + longest;
        while (!calls.ended() && SteadyClock::now() < latest) {
            if (io_.stopped()) io_.restart();
            io_.run_one_until(latest);
        }
    }
    /// Until so many token requests are held, and a while longer for those that should not be. Gives how many there are.
    std::size_t heldRequests(std::size_t expected) {
        const auto latest = SteadyClock::now() + patience;
        const auto isFull = [&] { return fake_.waitUntilHeld("token", expected, milliseconds(0)); };
        if (io_.stopped()) io_.restart();
        while (!isFull() && SteadyClock::now() < latest) io_.run_for(milliseconds(10));
        io_.run_for(milliseconds(100));
        return EndpointWatch::underWay(fake_.state());
    }
    void runOut() {
        if (io_.stopped()) io_.restart();
        io_.run();
    }

private:
    OAuthStrategy strategy() const {
        OAuthStrategy made(clientId);
        made.storage = storage_;
        made.windows.advisoryMin = made.windows.advisoryMax = advisory;
        return made;
    }

    testing::FakeWix& fake_;
    std::shared_ptr<DueStorage> storage_;
    asio::io_context io_{1};
    VisitorSessions sessions_;
};

double p99(std::vector<double> micros) {
    std::sort(micros.begin(), micros.end());
    return micros.at(micros.size() * 99 / 100);
}

void tellLatencies(const SessionCalls& calls) {
    std::vector<double> due, fresh;
    for (std::size_t number = 0; number < calls.micros().size(); ++number)
        (isDue(number) ? due : fresh).push_back(calls.micros()[number]);
    tell("due, token valid", "p99 of a call", "µs", p99(std::move(due)));
    tell("not due", "p99 of a call", "µs", p99(std::move(fresh)));
}

void renewAhead(testing::FakeWix& fake, const std::shared_ptr<DueStorage>& storage) {
    const Second dueAt = currentSecond() + seconds(2);
    DueSessions sessions(fake, storage, dueAt + advisory);
    std::this_thread::sleep_until(dueAt + milliseconds(10));

    // While the endpoint says nothing: a call that ends has not waited for it.
    const std::size_t cap = std::min(TransportOptions().maxBackgroundRenewals, sessions.due().size());
    std::uint64_t before = exchanges(fake);
    fake.hold("token");
    SessionCalls silent(sessions.sessions(), sessions.all());
    silent.start(sessions.io(), workers);
    sessions.runCalls(silent, patience);
    tell(ahead, "calls that waited", "count", static_cast<double>(sessions.all().size() - silent.answered()));
    tell(ahead, "token requests under way", "count", static_cast<double>(sessions.heldRequests(cap)));
    fake.release("token");
    sessions.runOut();
    tell(ahead, "exchanges while the endpoint was silent", "count", static_cast<double>(exchanges(fake) - before));

    // A session that was refused a renewal ahead of need asks again after a second.
    std::this_thread::sleep_for(milliseconds(1'100));
    before = exchanges(fake);
    SessionCalls calls(sessions.sessions(), sessions.all());
    {
        const EndpointWatch watch(fake);
        calls.start(sessions.io(), workers);
        sessions.runOut();
        tell(ahead, "token requests under way, at work", "count", static_cast<double>(watch.most()));
    }
    tell(ahead, "exchanges of one call each", "count", static_cast<double>(exchanges(fake) - before));
    tellLatencies(calls);
}

void renewExpired(testing::FakeWix& fake, const std::shared_ptr<DueStorage>& storage) {
    DueSessions sessions(fake, storage, currentSecond() - seconds(1));
    const std::size_t cap = std::min(TransportOptions().maxTokenRequests, sessions.due().size());
    const std::uint64_t before = exchanges(fake);
    fake.hold("token");
    SessionCalls calls(sessions.sessions(), sessions.due());
    calls.start(sessions.io(), sessions.due().size());
    tell(expired, "token requests under way", "count", static_cast<double>(sessions.heldRequests(cap)));
    {
        const EndpointWatch watch(fake);
        const auto released = SteadyClock::now();
        fake.release("token");
        sessions.runOut();
        const std::chrono::duration<double> took = SteadyClock::now() - released;
        tell(expired, "time until all are answered", "s", took.count());
        tell(expired, "token requests under way, at work", "count", static_cast<double>(watch.most()));
    }
    tell(expired, "sessions", "count", static_cast<double>(sessions.due().size()));
    tell(expired, "exchanges of one call each", "count", static_cast<double>(exchanges(fake) - before));
}

void run(const Arguments& arguments) {
    const std::size_t dueCount = arguments.smoke ? 200 : 10'000;
    const std::size_t rounds = arguments.rounds > 0 ? arguments.rounds : 5;
    if (arguments.pin) pinTo(Core::last);  // the fake's thread keeps to it
    testing::FakeWix fake;
    if (arguments.pin) pinTo(Core::first);
    const auto storage = std::make_shared<DueStorage>(makeVisitors(fake, dueCount + dueCount / (everyFreshOne - 1)));
    fake.setDelay("token", tokenDelay);
    for (std::size_t round = 0; round < rounds; ++round) {
        renewAhead(fake, storage);
        renewExpired(fake, storage);
    }
    tell("limits", "token requests ahead of need", "count",
         static_cast<double>(TransportOptions().maxBackgroundRenewals));
    tell("limits", "token requests", "count", static_cast<double>(TransportOptions().maxTokenRequests));
    tell("limits", "visitors made beyond the first", "count",
         static_cast<double>(fake.state().visitors) - static_cast<double>(storage->size()));
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) { return wix::bench::runProgram(count, values, wix::bench::run); }
