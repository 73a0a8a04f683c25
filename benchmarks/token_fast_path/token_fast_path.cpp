// What does it cost to authorize a call with a valid token, beside a mutex and a copy of a shared_ptr?
#include <benchmark/benchmark.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "auth/token_manager.hpp"
#include "support/allocation_count.hpp"
#include "support/arguments.hpp"
#include "support/sample.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace wix::bench {
namespace {

/// Nothing is sent here: the token is valid.
class NoTransport final : public detail::TransportInterface {
public:
    asio::awaitable<result<detail::HttpReply>> send(detail::WireRequestPtr, detail::WaitLimits) override {
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

void bootClock(benchmark::State& state) {
    const detail::Clock& clock = detail::Clock::system();
    for (auto _ : state) benchmark::DoNotOptimize(clock.boot());
}

/// Of so many looks at a valid token: none, in every run.
std::uint64_t allocationsOfFresh() {
    detail::TokenManager& manager = authorized().manager();
    const std::uint64_t before = allocationsOfThread();
    for (int i = 0; i < 1'000; ++i) benchmark::DoNotOptimize(manager.fresh());
    return allocationsOfThread() - before;
}

/// Tells each repetition as a sample.
class Teller final : public benchmark::BenchmarkReporter {
public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) {
            if (run.error_occurred) throw std::runtime_error(run.error_message);
            if (run.run_type != Run::RT_Iteration) continue;
            json::object parameters;
            parameters["threads"] = run.threads;
            sample(run.run_name.function_name, parameters, "CPU", "ns", run.GetAdjustedCPUTime());
        }
    }
};

void run(const Arguments& arguments) {
    sample("TokenManager::fresh()", json::object(), "allocations of 1 000 looks", "count",
           static_cast<double>(allocationsOfFresh()));
    using Function = void (*)(benchmark::State&);
    const std::vector<std::pair<std::string, Function>> functions{{"mutex + shared_ptr copy", mutexAndCopy},
                                                                  {"TokenManager::fresh()", freshToken},
                                                                  {"of that, reading the clock", bootClock}};
    for (const auto& [name, function] : functions)
        for (const int threads : {1, 2})
            benchmark::RegisterBenchmark(name.c_str(), function)
                ->Threads(threads)
                ->MinTime(arguments.smoke ? 0.001 : 0.05)
                ->Repetitions(static_cast<int>(arguments.rounds));
    // Repetitions in turn, not one benchmark after the other: what disturbs one disturbs its rival.
    std::string program = "token_fast_path";
    std::string interleaved = "--benchmark_enable_random_interleaving=true";
    std::vector<char*> values{program.data(), interleaved.data(), nullptr};
    int count = 2;
    benchmark::Initialize(&count, values.data());
    Teller teller;
    benchmark::RunSpecifiedBenchmarks(&teller);
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) { return wix::bench::runProgram(count, values, wix::bench::run); }
