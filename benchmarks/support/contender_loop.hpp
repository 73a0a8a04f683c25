// What contenders share: they make calls when they are told to, and tell what it took.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace wix::bench {

/// One of those who make calls one after the other. Not for two threads at a time.
class Caller {
public:
    using Clock = std::chrono::steady_clock;

    void begin(Clock::time_point now, Clock::time_point end);
    /// The call that was under way is done, and the next one begins, unless the round is over: then false.
    bool again();

    const std::vector<float>& micros() const noexcept { return micros_; }

private:
    Clock::time_point began_;
    Clock::time_point end_;
    std::vector<float> micros_;  // each call of the round
};

/// The command line: --url URL --path PATH [--ca FILE] [--connections N] [--threads N] [--contexts N] [--stack]
struct ContenderArguments {
    ContenderArguments() = default;
    std::string url;   ///< Of the server: "https://localhost:8443", "http://localhost:8080".
    std::string path;  ///< Of the product that is asked for, with its query.
    std::string caFile;
    std::string token;  ///< From WIX_BENCH_TOKEN, for those who get none by themselves.
    std::size_t connections = 64;
    std::size_t threads = 1;
    std::size_t contexts = 1;  ///< io_contexts: one for all threads, or one for each.
    bool stack = false;        ///< The JSON is parsed into stack memory.

    bool tls() const { return url.starts_with("https:"); }
    std::uint16_t port() const;
    /// "localhost:8443"
    std::string authority() const { return url.substr(url.find("//") + 2); }
    std::string ca() const;  ///< The content of caFile.
};

class Contender {
public:
    virtual ~Contender() = default;
    /// Lets all callers make calls at the same time, each until again() is false, and keeps the connections open.
    /// Throws if a call fails.
    virtual void make(std::vector<Caller>& callers) = 0;
};

/// The whole of a contender's main(): speaks the protocol of conductor/contender.py until standard input ends.
int contenderMain(int count, char** values,
                  const std::function<std::unique_ptr<Contender>(const ContenderArguments&)>& make);

/// work(0) on this thread, the others on threads of their own, whose allocations are counted as well.
void onThreads(std::size_t threads, const std::function<void(std::size_t)>& work);

}  // namespace wix::bench
