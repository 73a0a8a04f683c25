// 200 visitors call through a toxic proxy while all its toxics change at random. Every call ends in time, every answer
// is its caller's, no POST is processed twice, nobody becomes another visitor, and no descriptor is left open.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <wix/testing/fake_wix.hpp>

#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "customer.hpp"
#include "support/fake_client.hpp"
#include "support/machine.hpp"
#include "support/run.hpp"

namespace {

using namespace wix;
using namespace wix::soak;
using namespace std::chrono_literals;
namespace asio = boost::asio;

const char* const usage =
    "usage: soak_tests [--seconds N] [--seed S] [--clients N]\n"
    "  --seconds N  how long they call (default 5)\n"
    "  --seed S     of the weather and of the calls (default 1); threads make each run another one all the same\n"
    "  --clients N  visitors (default 200)\n";

struct Options {
    std::uint64_t seconds = 5, seed = 1, clients = 200;
};

bool read(int count, char** values, Options& options) {
    for (int i = 1; i + 1 < count; i += 2) {
        std::uint64_t* value = std::strcmp(values[i], "--seconds") == 0   ? &options.seconds
                               : std::strcmp(values[i], "--seed") == 0    ? &options.seed
                               : std::strcmp(values[i], "--clients") == 0 ? &options.clients
                                                                          : nullptr;
        const char* end = values[i + 1] + std::strlen(values[i + 1]);
        if (!value || std::from_chars(values[i + 1], end, *value).ptr != end || *value == 0) return false;
    }
    return count % 2 == 1;
}

std::size_t openDescriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
}

/// Ends the program if it does not end by itself.
class Watchdog {
public:
    Watchdog(std::chrono::seconds limit, std::uint64_t seed)
        : thread_([this, limit, seed] {
              std::unique_lock lock(mutex_);
              if (changed_.wait_for(lock, limit, [this] { return done_; })) return;
              std::printf("VIOLATED: after %lld s there still are calls that have not ended (%s; seed %llu)\n",
                          static_cast<long long>(limit.count()), phase_, static_cast<unsigned long long>(seed));
              std::fflush(stdout);
              std::_Exit(3);
          }) {}
    ~Watchdog() {
        {
            const std::lock_guard lock(mutex_);
            done_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    void enter(const char* phase) {
        const std::lock_guard lock(mutex_);
        phase_ = phase;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    const char* phase_ = "starting";
    bool done_ = false;
    std::thread thread_;
};

/// A thread with an io_context, a Transport, and its customers.
class Branch {
public:
    Branch(const ClientOptions& options, const std::vector<Tokens>& sessions, std::uint64_t seed, std::size_t first,
           std::size_t step)
        : transport_(io_.get_executor(), options.transport) {
        for (std::size_t i = first; i < sessions.size(); i += step)
            customers_.push_back(std::make_unique<Customer>(transport_, options, sessions[i],
                                                            "customer" + std::to_string(i), seed * 1'000'003 + i));
    }

    /// Runs one part of all customers' lives, until all of them have ended.
    template <class Part>
    void run(Part part) {
        io_.restart();
        for (const auto& customer : customers_) asio::co_spawn(io_, part(*customer), rethrow);
        io_.run();
    }

    Tally tally() const {
        Tally all;
        for (const auto& customer : customers_) {
            all += customer->tally();
            if (customer->isBusy()) all.violate("a call never ended");
        }
        if (transport_.openConnections() > mostConnections)
            all.violate(std::to_string(transport_.openConnections()) + " connections in one pool");
        return all;
    }

    static constexpr std::size_t mostConnections = 32 + 4;

private:
    asio::io_context io_{1};
    Transport transport_;
    std::vector<std::unique_ptr<Customer>> customers_;
};

/// Visitors that have come in good weather: the answer to a first request that is lost would be a visitor lost.
std::vector<Tokens> sessionsAt(const testing::FakeWix& fake, std::uint64_t count) {
    asio::io_context io;
    const ClientOptions options = test::optionsFor(fake);
    const Transport transport(io.get_executor(), options.transport);
    std::vector<Tokens> sessions;
    for (std::uint64_t i = 0; i < count; ++i)
        sessions.push_back(
            test::runOn(io, Client(transport, OAuthStrategy(test::clientId), options).generateVisitorTokens()));
    return sessions;
}

ClientOptions optionsThrough(const testing::FakeWix& fake, const test::ToxicProxy& proxy) {
    ClientOptions options = test::optionsFor(fake);
    options.apiUrl = options.edgeUrl = "https://127.0.0.1:" + std::to_string(proxy.port());
    options.retry.maxDelay = 20ms;
    options.transport.maxConnectionsPerOrigin = 32;
    options.transport.maxIdleTime = 2s;
    options.timeouts.connect = options.timeouts.tls = options.timeouts.firstByte = 1s;
    options.timeouts.write = options.timeouts.stall = 1s;
    options.timeouts.tokenExchange = 1500ms;
    options.timeouts.call = 3s;
    return options;
}

/// `meanwhile` runs while the branches do.
template <class Part, class Meanwhile>
void runAll(std::vector<std::unique_ptr<Branch>>& branches, Part part, Meanwhile meanwhile) {
    std::vector<std::jthread> threads;
    for (const auto& branch : branches) threads.emplace_back([&] { branch->run(part); });
    meanwhile();
}

void makeWeather(testing::FakeWix& fake, test::ToxicProxy& proxy, Weather& weather, Random& random, Time end) {
    asio::io_context io;
    asio::steady_timer timer(io);
    while (std::chrono::steady_clock::now() < end) {
        timer.expires_after(weather.change(proxy));
        timer.wait();
        if (happens(random, 5)) fake.expireAccessTokens();
    }
    proxy.clear();
}

void checkServers(const testing::FakeWix& fake, const test::ToxicProxy& proxy, const Options& given, Tally& tally) {
    if (!proxy.waitUntil([](const test::ProxyCounts& counts) { return counts.open() == 0; }, 20s))
        tally.violate(std::to_string(proxy.counts().open()) + " connections outlive their clients");
    const testing::FakeWixState state = fake.state();
    if (state.visitors != given.clients)
        tally.violate(std::to_string(state.visitors) + " visitors instead of " + std::to_string(given.clients));
    tally.checkSentOnce(fake.markers());
}

Tally runSoak(const Options& given, Watchdog& watchdog) {
    testing::FakeWix fake;
    test::ToxicProxy proxy(fake.port(), given.seed);
    Tally tally;
    Weather weather(given.seed);
    {
        const ClientOptions options = optionsThrough(fake, proxy);
        watchdog.enter("arriving");
        const std::vector<Tokens> sessions = sessionsAt(fake, given.clients);
        std::vector<std::unique_ptr<Branch>> branches;
        for (std::size_t i = 0; i < 2; ++i)
            branches.push_back(std::make_unique<Branch>(options, sessions, given.seed, i, 2));
        watchdog.enter("shopping");
        const Time end = std::chrono::steady_clock::now() + std::chrono::seconds(given.seconds);
        Random random(given.seed + 1);
        runAll(
            branches, [end](Customer& customer) { return customer.shop(end); },
            [&] { makeWeather(fake, proxy, weather, random, end); });
        watchdog.enter("leaving");
        const Time giveUp = std::chrono::steady_clock::now() + 70s;  // more than the longest backoff of a renewal
        runAll(
            branches, [giveUp](Customer& customer) { return customer.leave(giveUp); }, [] {});
        for (const auto& branch : branches) tally += branch->tally();
    }
    watchdog.enter("closing");
    checkServers(fake, proxy, given, tally);
    const test::ProxyCounts counts = proxy.counts();
    std::printf("%llu changes of weather, %zu connections, %llu bytes up, %llu bytes down, %zu POSTs sent once\n",
                static_cast<unsigned long long>(weather.changes()), counts.accepted(),
                static_cast<unsigned long long>(counts.bytes(test::Direction::upstream)),
                static_cast<unsigned long long>(counts.bytes(test::Direction::downstream)), tally.sentOnce.size());
    if (tally.outcomes["HTTP 200"] == 0) tally.violate("no call succeeded");
    return tally;
}

}  // namespace

int main(int count, char** values) {
    Options options;
    if (!read(count, values, options)) {
        std::fputs(usage, stderr);
        return 2;
    }
    if (const std::string problem = test::machineProblem(); !problem.empty()) {
        std::fprintf(stderr, "%s\n", problem.c_str());
        std::fflush(stderr);
        std::_Exit(1);
    }
    std::printf("seed %llu, %llu s, %llu clients\n", static_cast<unsigned long long>(options.seed),
                static_cast<unsigned long long>(options.seconds), static_cast<unsigned long long>(options.clients));
    std::fflush(stdout);
    const std::size_t before = openDescriptors();
    Tally tally;
    {
        Watchdog watchdog(std::chrono::seconds(options.seconds) + 120s, options.seed);
        tally = runSoak(options, watchdog);
    }
    const std::size_t after = openDescriptors();
    if (after != before)
        tally.violate(std::to_string(after) + " open descriptors instead of " + std::to_string(before));
    tally.print();
    if (tally.violated == 0) std::puts("nothing violated");
    return tally.violated == 0 ? 0 : 1;
}
