// Runs random stories about the token manager. A story that violates a rule is reported with the shortest part of it that
// still does.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "story.hpp"
#include "trace.hpp"

namespace {

using namespace wix::simulation;

const char* const usage =
    "usage: simulate [--seeds N] [--from SEED] [--list FILE] [--threads N] [--keep-going] [--trace-hash] [--print]\n"
    "  --seeds N     number of stories (default 20000)\n"
    "  --from SEED   the first one (default 1); a seed that failed is run alone by --from SEED --seeds 1\n"
    "  --list FILE   the seeds in this file instead, one a line; the rest of a line is a comment\n"
    "  --threads N   stories at a time (default 2)\n"
    "  --keep-going  do not stop at the first violation, and report all of them at the end\n"
    "  --trace-hash  print a hash of all actions for each block of 10000 stories\n"
    "  --print       print all actions as they happen\n";

constexpr std::uint64_t blockSize = 10'000;

struct Options {
    std::uint64_t seeds = 20'000, from = 1, threads = 2;
    bool keepGoing = false, traceHash = false;
    std::string list;
};

bool readNumber(const char* text, std::uint64_t& value) {
    const char* end = text + std::strlen(text);
    return std::from_chars(text, end, value).ptr == end && value != 0;
}

bool read(int count, char** values, Options& options) {
    const std::vector<std::string> all(values + 1, values + count);
    for (std::size_t i = 0; i < all.size(); ++i) {
        bool* flag = all[i] == "--keep-going"   ? &options.keepGoing
                     : all[i] == "--trace-hash" ? &options.traceHash
                     : all[i] == "--print"      ? &Trace::prints
                                                : nullptr;
        if (flag) {
            *flag = true;
            continue;
        }
        if (i + 1 == all.size()) return false;
        const std::string& name = all[i];
        const std::string& text = all[++i];
        if (name == "--list") {
            options.list = text;
            continue;
        }
        std::uint64_t* value = name == "--seeds"     ? &options.seeds
                               : name == "--from"    ? &options.from
                               : name == "--threads" ? &options.threads
                                                     : nullptr;
        if (!value || !readNumber(text.c_str(), *value)) return false;
    }
    return true;
}

/// The seeds of a list; null if it cannot be read.
std::optional<std::vector<std::uint64_t>> seedsOf(const std::string& file) {
    std::ifstream in(file);
    if (!in) return std::nullopt;
    std::vector<std::uint64_t> seeds;
    for (std::string line; std::getline(in, line);) {
        std::uint64_t seed = 0;
        std::from_chars(line.data(), line.data() + line.size(), seed);
        if (seed != 0) seeds.push_back(seed);
    }
    return seeds;
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
}

void reportShortest(std::uint64_t seed) {
    const bool prints = std::exchange(Trace::prints, false);
    const std::vector<Action> shortest = shrink(seed, randomActions(seed));
    Trace::prints = prints;
    const auto again = tell(seed, shortest);
    std::printf("shortest story found, %zu steps: %s\n", shortest.size(), again ? again->what.c_str() : "?");
    for (std::size_t i = 0; i < shortest.size(); ++i) std::printf("  %2zu. %s\n", i + 1, textOf(shortest[i]).c_str());
}

/// What the stories of one run have come to.
struct Outcome {
    Tally tally;
    std::vector<std::uint64_t> blocks;  // a hash each
    std::vector<std::pair<std::uint64_t, Failed>> violations;
};

Outcome runStories(const Options& options, const std::optional<std::vector<std::uint64_t>>& listed) {
    const std::uint64_t count = listed ? listed->size() : options.seeds;
    Outcome outcome;
    outcome.blocks.resize((count + blockSize - 1) / blockSize);
    std::atomic<std::uint64_t> next{0};
    std::atomic<bool> stops{false};
    std::mutex mutex;
    const auto work = [&] {
        Tally mine;
        std::vector<std::uint64_t> blocks(outcome.blocks.size());
        for (std::uint64_t i; !stops && (i = next++) < count;) {
            const std::uint64_t seed = listed ? (*listed)[i] : options.from + i;
            toldNow = seed;
            Tally one;
            auto failed = tell(seed, randomActions(seed), &one);
            mine += one;
            blocks[i / blockSize] += one.trace;
            if (!failed || (!options.keepGoing && stops.exchange(true))) continue;
            const std::lock_guard lock(mutex);
            outcome.violations.emplace_back(seed, std::move(*failed));
        }
        const std::lock_guard lock(mutex);
        outcome.tally += mine;
        for (std::size_t i = 0; i < blocks.size(); ++i) outcome.blocks[i] += blocks[i];
    };
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < options.threads; ++t) threads.emplace_back(work);
    for (std::thread& thread : threads) thread.join();
    std::sort(outcome.violations.begin(), outcome.violations.end(),
              [](const auto& left, const auto& right) { return left.first < right.first; });
    return outcome;
}

void printBlocks(const Outcome& outcome, std::uint64_t from) {
    for (const std::uint64_t hash : outcome.blocks) {
        std::printf("block from %llu: %016llx\n", static_cast<unsigned long long>(from),
                    static_cast<unsigned long long>(hash));
        from += blockSize;
    }
}

void printTally(const Tally& all) {
    std::printf(
        "%llu callers (%llu answered before the end), %llu exchanges, %llu answers lost, %llu visitors, "
        "%llu sessions rejected, %llu saves failed\n",
        static_cast<unsigned long long>(all.callers), static_cast<unsigned long long>(all.answered),
        static_cast<unsigned long long>(all.exchanges), static_cast<unsigned long long>(all.replays),
        static_cast<unsigned long long>(all.visitors), static_cast<unsigned long long>(all.lost),
        static_cast<unsigned long long>(all.unsaved));
}

}  // namespace

int main(int count, char** values) {
    Options options;
    if (!read(count, values, options)) {
        std::fputs(usage, stderr);
        return 2;
    }
    std::optional<std::vector<std::uint64_t>> listed;
    if (!options.list.empty() && !(listed = seedsOf(options.list))) {
        std::fprintf(stderr, "cannot read the seeds in %s\n", options.list.c_str());
        return 2;
    }
    for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGBUS}) std::signal(signal, tellSeed);
    const auto began = std::chrono::steady_clock::now();
    const Outcome outcome = runStories(options, listed);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (options.traceHash && (options.keepGoing || outcome.violations.empty()))
        printBlocks(outcome, listed ? 0 : options.from);
    for (const auto& [seed, failed] : outcome.violations) report(seed, failed);
    if (outcome.violations.size() == 1) reportShortest(outcome.violations.front().first);
    if (!outcome.violations.empty() && !options.keepGoing) return 1;
    const std::string range = listed ? "of " + options.list : "from seed " + std::to_string(options.from);
    const auto stories = static_cast<unsigned long long>(listed ? listed->size() : options.seeds);
    const std::string violated = outcome.violations.empty()
                                     ? "nothing violated"
                                     : std::to_string(outcome.violations.size()) + " violated a rule";
    std::printf("%llu stories %s, %s, %.1f s\n", stories, range.c_str(), violated.c_str(), seconds);
    printTally(outcome.tally);
    return outcome.violations.empty() ? 0 : 1;
}
