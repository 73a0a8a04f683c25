// A server has so many visitors in memory, each with a session that does nothing now: what does one cost, and what does a
// call in one of them? Sessions come from VisitorSessions. Their tokens come from a storage that gives each a copy of one
// visitor's.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sessions/session_calls.hpp"
#include "support/allocation_count.hpp"
#include "support/arguments.hpp"
#include "support/measure.hpp"
#include "support/sample.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace wix::bench {
namespace {

constexpr const char* ours = "wix::VisitorSessions";
constexpr std::size_t few = 1'000;
constexpr std::size_t most = 1'000'000;
constexpr std::size_t workers = 64;

/// Knows every visitor, and keeps none.
class SameTokens final : public TokenStorage {
public:
    explicit SameTokens(const Tokens& tokens) : tokens_(tokens) {}
    asio::awaitable<std::optional<StoredTokens>> load(std::string) override {
        StoredTokens record(copy(), 1);
        co_return std::optional<StoredTokens>(std::move(record));
    }
    asio::awaitable<SaveResult> save(std::string, Tokens, std::uint64_t expectedVersion) override {
        co_return SaveResult::saved(expectedVersion + 1);
    }
    asio::awaitable<void> erase(std::string) override { co_return; }

    /// Of the texts of one copy, as they are allocated.
    double bytes() const {
        return static_cast<double>(tokens_.accessToken.value.size() + tokens_.refreshToken.value.size());
    }

private:
    /// Of its exact size: what a longer string leaves unused is no cost of a session.
    Tokens copy() const {
        return Tokens(AccessToken(std::string(tokens_.accessToken.value), tokens_.accessToken.expiresAt),
                      RefreshToken(std::string(tokens_.refreshToken.value), tokens_.refreshToken.role));
    }
    const Tokens tokens_;
};

asio::awaitable<void> newVisitor(Client client, Tokens* tokens) { *tokens = co_await client.generateVisitorTokens(); }

Tokens tokensOf(const testing::FakeWix& fake) {
    asio::io_context io(1);
    ClientOptions options;
    options.apiUrl = options.edgeUrl = fake.url();
    options.transport.tls.caPem = fake.caPem();
    Tokens tokens;
    asio::co_spawn(io, newVisitor(Client(io.get_executor(), OAuthStrategy(clientId), options), &tokens), rethrow);
    io.run();
    return tokens;
}

asio::awaitable<void> openAll(VisitorSessions sessions, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const Client client = co_await sessions.open(keyOf(i));
        const Tokens tokens = co_await client.getTokens();
        if (tokens.accessToken.value.empty()) throw std::logic_error("there are no tokens");
    }
}

class IdleSessions {
public:
    IdleSessions(const testing::FakeWix& fake, std::shared_ptr<SameTokens> storage)
        : sessions_(sessionsOf(io_, fake, strategyWith(std::move(storage)))) {}

    void open(std::size_t count) {
        asio::co_spawn(io_, openAll(sessions_, count), rethrow);
        run();
        count_ = count;
    }
    std::size_t size() const { return sessions_.statistics().sessions; }

    /// The CPU time of this thread for one of so many calls, each in another session, spread over all.
    double callMicros(std::size_t calls) {
        std::vector<std::size_t> numbers;
        for (std::size_t i = 0; i < calls; ++i) numbers.push_back((next_ += 7'919) % count_);
        SessionCalls made(sessions_, std::move(numbers));
        const double before = threadCpuMicros();
        made.start(io_, workers);
        run();
        return (threadCpuMicros() - before) / static_cast<double>(calls);
    }
    /// What runs although nobody calls, if anything does.
    std::size_t handlersAtRest() {
        io_.restart();
        return io_.run_for(std::chrono::milliseconds(100));
    }

private:
    static OAuthStrategy strategyWith(std::shared_ptr<SameTokens> storage) {
        OAuthStrategy strategy(clientId);
        strategy.storage = std::move(storage);
        return strategy;
    }
    void run() {
        io_.restart();
        io_.run();
    }

    asio::io_context io_{1};
    VisitorSessions sessions_;
    std::size_t count_ = 0;
    std::size_t next_ = 0;
};

json::object with(std::size_t sessions) {
    json::object parameters;
    parameters["sessions"] = sessions;
    return parameters;
}

/// Returns the allocated bytes once they are stable: the thread of the fake server frees the connections
/// that earlier sessions have closed.
double settledHeapBytes() {
    constexpr std::chrono::milliseconds pause{10};
    constexpr int pausesWithoutChange = 20, mostPauses = 500;
    std::size_t bytes = heapBytes();
    for (int all = 0, unchanged = 0; all < mostPauses && unchanged < pausesWithoutChange; ++all) {
        std::this_thread::sleep_for(pause);
        const std::size_t now = heapBytes();
        unchanged = now == bytes ? unchanged + 1 : 0;
        bytes = now;
    }
    return static_cast<double>(bytes);
}

/// Memory first: nothing else uses the heap meanwhile. Gives the bytes of a session, tokens included.
double tellMemory(IdleSessions& sessions, const SameTokens& storage, std::size_t count) {
    sessions.open(1);  // what is made once
    const double before = settledHeapBytes();
    const std::uint64_t allocationsBefore = allocationsOfThread();
    const double cpuBefore = threadCpuMicros();
    sessions.open(count);
    const auto made = static_cast<double>(count - 1);
    const double micros = (threadCpuMicros() - cpuBefore) / made;
    const double allocations = static_cast<double>(allocationsOfThread() - allocationsBefore) / made;
    const double bytes = (static_cast<double>(heapBytes()) - before) / made;
    sample(ours, with(count), "memory of a session", "bytes", bytes - storage.bytes());
    sample(ours, with(count), "allocations to make one", "count", allocations);
    sample(ours, with(count), "CPU to make one", "µs", micros);
    sample(ours, with(count), "sessions missing", "count",
           static_cast<double>(count) - static_cast<double>(sessions.size()));
    return bytes;
}

/// In turns with calls among few sessions, so that what disturbs one disturbs the other.
void tellCalls(IdleSessions& sessions, IdleSessions& fewSessions, std::size_t count, std::size_t calls) {
    sessions.callMicros(calls);  // its connections
    constexpr int turns = 4;
    double among = 0;
    double amongFew = 0;
    for (int turn = 0; turn < turns; ++turn) {
        among += sessions.callMicros(calls) / turns;
        amongFew += fewSessions.callMicros(calls) / turns;
    }
    sample(ours, with(count), "CPU of a call", "µs", among);
    sample("among 1 000", with(count), "CPU of a call", "µs", amongFew);
    sample(ours, with(count), "handlers run at rest", "count", static_cast<double>(sessions.handlersAtRest()));
}

/// Whether so many sessions take less than half of what is free.
bool hasMemoryFor(std::size_t count, double bytesOfOne) {
    const double free = static_cast<double>(::sysconf(_SC_AVPHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
    return static_cast<double>(count) * bytesOfOne < free / 2;
}

void run(const Arguments& arguments) {
    const std::size_t largest = arguments.smoke ? few : arguments.largest > 0 ? arguments.largest : most;
    const std::size_t calls = arguments.smoke ? 200 : 1'000;
    if (arguments.pin) pinTo(Core::last);  // the fake's thread keeps to it
    testing::FakeWix fake;
    if (arguments.pin) pinTo(Core::first);
    const auto storage = std::make_shared<SameTokens>(tokensOf(fake));

    IdleSessions fewSessions(fake, storage);
    fewSessions.open(few);
    fewSessions.callMicros(calls);
    double bytesOfOne = 4'096;
    // One round: what the allocator keeps of an earlier one would be in the figures of the next.
    for (std::size_t count = few; count <= largest && hasMemoryFor(count, bytesOfOne); count *= 10) {
        IdleSessions sessions(fake, storage);
        bytesOfOne = tellMemory(sessions, *storage, count);
        tellCalls(sessions, fewSessions, count, calls);
    }
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) { return wix::bench::runProgram(count, values, wix::bench::run); }
