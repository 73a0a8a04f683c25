// A server has so many visitors in memory, each with a session that does nothing now: what does one cost? Sessions come
// from VisitorSessions, and their tokens from a storage that makes them up; there is no network. Ends with 1 if there are
// not as many sessions as visitors.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <wix/wix.hpp>

#include "support/allocation_count.hpp"
#include "support/arguments.hpp"
#include "support/measure.hpp"
#include "support/table.hpp"
#include "support/targets.hpp"

namespace asio = boost::asio;

namespace wix::bench {
namespace {

// As long as those that Wix gives to visitors.
constexpr std::size_t accessBytes = 750;
constexpr std::size_t refreshBytes = 400;

/// Knows every visitor, and keeps none.
class EndlessStorage final : public TokenStorage {
public:
    asio::awaitable<std::optional<StoredTokens>> load(std::string key) override {
        Tokens tokens(AccessToken(padded("OauthNG.JWS." + key, accessBytes), expiry_),
                      RefreshToken(padded("JWS." + key, refreshBytes), TokenRole::visitor));
        StoredTokens record(std::move(tokens), 1);
        co_return std::optional<StoredTokens>(std::move(record));
    }
    asio::awaitable<SaveResult> save(std::string, Tokens, std::uint64_t expectedVersion) override {
        co_return SaveResult::saved(expectedVersion + 1);
    }
    asio::awaitable<void> erase(std::string) override { co_return; }

private:
    static std::string padded(std::string text, std::size_t size) {
        std::string made;
        made.reserve(size);  // exactly: what a longer string leaves unused is no cost of a session
        made = text;
        made.resize(size, 'x');
        return made;
    }
    const std::chrono::sys_seconds expiry_ =
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::hours(4);
};

struct Outcome {
    Outcome() = default;
    std::size_t sessions = 0;
    double bytes = 0;        // of a session, without its tokens
    double allocations = 0;  // to make a session
    double micros = 0;       // the same, CPU
};

/// As random as a key in a cookie is long.
std::string keyOf(std::size_t number) {
    std::string digits = std::to_string(number);
    return std::string(32 - digits.size(), '0') + digits;
}

asio::awaitable<void> openAll(VisitorSessions sessions, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const Client client = co_await sessions.open(keyOf(i));
        const Tokens tokens = co_await client.getTokens();
        if (tokens.accessToken.value.size() != accessBytes) throw std::logic_error("these are other tokens");
    }
}

Outcome measure(std::size_t count) {
    asio::io_context io(1);
    OAuthStrategy strategy("11111111-2222-3333-4444-555555555555");
    strategy.storage = std::make_shared<EndlessStorage>();
    VisitorSessionsOptions limits;
    limits.maxSessions = 10'000'000;
    const VisitorSessions sessions(Transport(io.get_executor()), strategy, ClientOptions(), limits);
    const auto run = [&](std::size_t upTo) {
        asio::co_spawn(io, openAll(sessions, upTo), rethrow);
        io.restart();
        io.run();
    };
    run(1);  // what is made once
    const std::size_t before = heapBytes();
    const std::uint64_t allocationsBefore = allocationsOfThread();
    const double cpuBefore = threadCpuMicros();
    run(count);
    Outcome outcome;
    outcome.sessions = sessions.statistics().sessions;
    const auto made = static_cast<double>(count - 1);
    outcome.micros = (threadCpuMicros() - cpuBefore) / made;
    outcome.allocations = static_cast<double>(allocationsOfThread() - allocationsBefore) / made;
    const std::size_t after = heapBytes();
    outcome.bytes = static_cast<double>(after - before) / made - static_cast<double>(accessBytes + refreshBytes);
    return outcome;
}

/// Whether so many sessions like those of `smaller` take less than half of what is free.
bool hasMemoryFor(std::size_t count, const Outcome& smaller) {
    const double each = smaller.bytes + static_cast<double>(accessBytes + refreshBytes);
    const double free = static_cast<double>(::sysconf(_SC_AVPHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
    return static_cast<double>(count) * each < free / 2;
}

int compare(const Arguments& arguments) {
    const std::size_t largest = arguments.smoke ? 1'000 : arguments.quick ? 100'000 : 1'000'000;
    Table table({"idle sessions", "bytes of one beyond its tokens", "allocations to make one", "CPU µs to make one"});
    Targets targets;
    Outcome last;
    for (std::size_t count = 1'000; count <= largest; count *= 10) {
        if (count > 1'000 && !hasMemoryFor(count, last)) {
            table.row({std::to_string(count), "not enough memory", "", ""});
            break;
        }
        last = measure(count);
        table.row({std::to_string(count), fixed(last.bytes, 0), fixed(last.allocations, 1), fixed(last.micros, 1)});
        targets.exact("sessions of " + std::to_string(count) + " visitors", last.sessions, count);
        if (count == 100'000) targets.ratio("bytes of one of 100 000 sessions, in KB", last.bytes / 1024, 1.0);
    }
    table.print();
    std::printf("\n");
    targets.print();
    return targets.allExact() ? 0 : 1;
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) {
    try {
        return wix::bench::compare(wix::bench::readArguments(count, values));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
