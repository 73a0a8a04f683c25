// What does it cost to authorize a call with a valid token, beside a mutex and a copy of a shared_ptr?
#include <benchmark/benchmark.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "auth/token_manager.hpp"
#include "support/allocation_count.hpp"
#include "support/arguments.hpp"
#include "support/measure.hpp"
#include "support/table.hpp"
#include "support/targets.hpp"

namespace asio = boost::asio;

namespace wix::bench {
namespace {

/// Nothing is sent here: the token is valid.
class NoTransport final : public detail::TransportInterface {
public:
    asio::awaitable<result<detail::HttpReply>> send(detail::WireRequest, detail::WaitLimits) override {
        co_return Failure(Errc::token_unavailable, "the benchmark has no transport");
    }
    std::shared_ptr<void> backgroundSlot() override { return nullptr; }
    detail::RetryQuotas& retryQuotas() override { return quotas_; }

private:
    detail::RetryQuotas quotas_;
};

asio::awaitable<void> publish(std::shared_ptr<detail::TokenManager> manager) {
    co_await manager->usable(detail::WaitLimits());
}

/// A manager that has published a token with hours to live.
class Authorized {
public:
    Authorized() {
        const auto expiry = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()) +
                            std::chrono::hours(4);
        detail::TokenManagerSetup setup;
        setup.strategy.clientId = "11111111-2222-3333-4444-555555555555";
        setup.strategy.tokens =
            Tokens(AccessToken(std::string(760, 'a'), expiry), RefreshToken(std::string(400, 'r'), TokenRole::visitor));
        setup.transport = std::make_shared<NoTransport>();
        manager_ = std::make_shared<detail::TokenManager>(io_.get_executor(), std::move(setup));
        asio::co_spawn(io_, publish(manager_), [](std::exception_ptr) {});
        io_.run();
        if (!manager_->fresh()) throw std::runtime_error("the token is not fresh");
    }
    detail::TokenManager& manager() { return *manager_; }

private:
    asio::io_context io_;
    std::shared_ptr<detail::TokenManager> manager_;
};

Authorized& authorized() {
    static Authorized one;
    return one;
}

std::mutex mutex;
const std::shared_ptr<const std::string> shared = std::make_shared<const std::string>(760, 'a');

void mutexAndCopy(benchmark::State& state) {
    for (auto _ : state) {
        std::shared_ptr<const std::string> copy;
        {
            const std::lock_guard lock(mutex);
            copy = shared;
        }
        benchmark::DoNotOptimize(copy);
    }
}

void freshToken(benchmark::State& state) {
    detail::TokenManager& manager = authorized().manager();
    for (auto _ : state) {
        detail::SnapshotPtr snapshot = manager.fresh();
        benchmark::DoNotOptimize(snapshot);
    }
}

/// Of so many looks at a valid token: none, in every run.
std::uint64_t allocationsOfFresh() {
    detail::TokenManager& manager = authorized().manager();
    const std::uint64_t before = allocationsOfThread();
    for (int i = 0; i < 1'000; ++i) benchmark::DoNotOptimize(manager.fresh());
    return allocationsOfThread() - before;
}

void bootClock(benchmark::State& state) {
    const detail::Clock& clock = detail::Clock::system();
    for (auto _ : state) benchmark::DoNotOptimize(clock.boot());
}

/// Keeps the medians and prints nothing.
class Collector final : public benchmark::BenchmarkReporter {
public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) {
            if (run.error_occurred) throw std::runtime_error(run.error_message);
            if (run.aggregate_name == "median")
                nanoseconds[run.run_name.function_name + run.run_name.threads] = run.GetAdjustedCPUTime();
        }
    }
    std::map<std::string, double> nanoseconds;
};

bool run(const Arguments& arguments) {
    Targets targets;
    targets.exact("allocations of 1 000 looks at a valid token", allocationsOfFresh(), 0);
    if (arguments.smoke) {
        targets.print();
        return targets.allExact();
    }
    const int repetitions = arguments.rounds > 0 ? static_cast<int>(arguments.rounds) : arguments.quick ? 5 : 15;
    using Function = void (*)(benchmark::State&);
    const std::vector<std::pair<std::string, Function>> functions{{"mutex + shared_ptr copy", mutexAndCopy},
                                                                  {"a valid token: TokenManager::fresh()", freshToken},
                                                                  {"of that, reading the clock", bootClock}};
    for (const auto& [name, function] : functions)
        for (const int threads : {1, 2})
            benchmark::RegisterBenchmark(name.c_str(), function)
                ->Threads(threads)
                ->MinTime(arguments.quick ? 0.02 : 0.05)
                ->Repetitions(repetitions);
    // Repetitions in turn, not one benchmark after the other: what disturbs one disturbs its rival.
    std::string program = "authorize_bench";
    std::string interleaved = "--benchmark_enable_random_interleaving=true";
    std::vector<char*> values{program.data(), interleaved.data(), nullptr};
    int count = 2;
    benchmark::Initialize(&count, values.data());
    Collector collected;
    benchmark::RunSpecifiedBenchmarks(&collected);

    const auto& ns = collected.nanoseconds;
    const std::string one = "threads:1";
    const std::string two = "threads:2";
    Table table({"operation", "1 thread ns", "×", "2 threads ns", "×"});
    for (const auto& [name, function] : functions)
        table.row({name, fixed(ns.at(name + one), 1), fixed(ns.at(name + one) / ns.at(functions[0].first + one), 2),
                   fixed(ns.at(name + two), 1), fixed(ns.at(name + two) / ns.at(functions[0].first + two), 2)});
    table.print();
    std::printf("\nCPU time for each operation; medians of %d repetitions, taken in turn.\n\n", repetitions);
    targets.ratio("a valid token / mutex + shared_ptr copy",
                  ns.at(functions[1].first + one) / ns.at(functions[0].first + one), 3);
    targets.print();
    return targets.allExact();
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) {
    try {
        return wix::bench::run(wix::bench::readArguments(count, values)) ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "authorize_bench: %s\n", error.what());
        return 1;
    }
}
