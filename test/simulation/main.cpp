// Tells random stories about the token manager until one goes wrong, and then tells the shortest part of it that does.
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "story.hpp"

namespace {

using namespace wix::simulation;

const char* const usage =
    "usage: simulate [--seeds N] [--from SEED] [--threads N]\n"
    "  --seeds N    how many stories (default 20000)\n"
    "  --from SEED  the first one (default 1); a failing seed is told alone by --from SEED --seeds 1\n"
    "  --threads N  worlds at a time (default 2)\n";

struct Options {
    std::uint64_t seeds = 20'000, from = 1, threads = 2;
};

bool read(int count, char** values, Options& options) {
    for (int i = 1; i + 1 < count; i += 2) {
        std::uint64_t* value = std::strcmp(values[i], "--seeds") == 0     ? &options.seeds
                               : std::strcmp(values[i], "--from") == 0    ? &options.from
                               : std::strcmp(values[i], "--threads") == 0 ? &options.threads
                                                                          : nullptr;
        const char* end = values[i + 1] + std::strlen(values[i + 1]);
        if (!value || std::from_chars(values[i + 1], end, *value).ptr != end || *value == 0) return false;
    }
    return count % 2 == 1;
}

thread_local std::uint64_t toldNow = 0;

/// A story that crashes is not shrunk, but its seed is known.
extern "C" void tellSeed(int signal) {
    char text[] = "seed                      ended the program\n";
    char* digit = text + 25;
    for (std::uint64_t rest = toldNow; digit > text + 5 && (rest > 0 || digit == text + 25); rest /= 10)
        *--digit = static_cast<char>('0' + rest % 10);
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) return;
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void report(std::uint64_t seed, const Failed& failed) {
    std::printf("seed %llu: %s\n  (in step %zu; %s)\n", static_cast<unsigned long long>(seed), failed.what.c_str(),
                failed.step + 1, setupText(seed).c_str());
    const std::vector<Action> shortest = shrink(seed, randomActions(seed));
    const auto again = tell(seed, shortest);
    std::printf("shortest story found, %zu steps: %s\n", shortest.size(), again ? again->what.c_str() : "?");
    for (std::size_t i = 0; i < shortest.size(); ++i) std::printf("  %2zu. %s\n", i + 1, textOf(shortest[i]).c_str());
}

}  // namespace

int main(int count, char** values) {
    Options options;
    if (!read(count, values, options)) {
        std::fputs(usage, stderr);
        return 2;
    }
    for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGBUS}) std::signal(signal, tellSeed);
    const auto began = std::chrono::steady_clock::now();
    std::atomic<std::uint64_t> next{options.from};
    const std::uint64_t end = options.from + options.seeds;
    std::atomic<bool> wrong{false};
    std::mutex mutex;
    Tally all;
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < options.threads; ++t)
        threads.emplace_back([&] {
            Tally mine;
            for (std::uint64_t seed; !wrong && (seed = next++) < end;) {
                toldNow = seed;
                const auto failed = tell(seed, randomActions(seed), &mine);
                if (!failed || wrong.exchange(true)) continue;
                const std::lock_guard lock(mutex);
                report(seed, *failed);
            }
            const std::lock_guard lock(mutex);
            all += mine;
        });
    for (std::thread& thread : threads) thread.join();
    if (wrong) return 1;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    std::printf(
        "%llu stories from seed %llu, nothing violated, %.1f s\n"
        "%llu callers (%llu answered before the end), %llu exchanges, %llu answers lost, %llu visitors, "
        "%llu sessions rejected, %llu saves failed\n",
        static_cast<unsigned long long>(options.seeds), static_cast<unsigned long long>(options.from), seconds,
        static_cast<unsigned long long>(all.callers), static_cast<unsigned long long>(all.answered),
        static_cast<unsigned long long>(all.exchanges), static_cast<unsigned long long>(all.replays),
        static_cast<unsigned long long>(all.visitors), static_cast<unsigned long long>(all.lost),
        static_cast<unsigned long long>(all.unsaved));
    return 0;
}
