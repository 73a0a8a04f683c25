#include "support/contender_loop.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "support/allocation_count.hpp"

namespace json = boost::json;

namespace wix::bench {
namespace {

using Clock = Caller::Clock;
using Micros = std::chrono::duration<double, std::micro>;

std::atomic<std::uint64_t> allocationsOfOthers = 0;

/// User and system time of all threads.
double processCpuMicros() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

double percentile(std::vector<float>& micros, double share) {
    if (micros.empty()) return 0;
    const auto at = micros.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(micros.size() - 1));
    std::nth_element(micros.begin(), at, micros.end());
    return *at;
}

json::object round(Contender& contender, std::vector<Caller>& callers, std::chrono::milliseconds time) {
    const std::uint64_t allocationsBefore = allocationsOfThread() + allocationsOfOthers;
    const double cpuBefore = processCpuMicros();
    const auto began = Clock::now();
    for (Caller& caller : callers) caller.begin(began, began + time);
    contender.make(callers);
    const double wall = Micros(Clock::now() - began).count();
    const double cpu = processCpuMicros() - cpuBefore;
    const std::uint64_t allocations = allocationsOfThread() + allocationsOfOthers - allocationsBefore;

    std::vector<float> micros;
    for (const Caller& caller : callers) micros.insert(micros.end(), caller.micros().begin(), caller.micros().end());
    json::object told;
    told["calls"] = micros.size();
    told["cpuMicros"] = cpu;
    told["wallMicros"] = wall;
    told["p50Micros"] = percentile(micros, 0.5);
    told["p99Micros"] = percentile(micros, 0.99);
    told["allocations"] = allocations;
    return told;
}

void tell(const json::object& line) {
    std::puts(json::serialize(line).c_str());
    std::fflush(stdout);
}

std::size_t number(std::string_view name, std::string_view text) {
    std::size_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || stop != text.data() + text.size() || value == 0)
        throw std::invalid_argument(std::string(name) + " needs a number");
    return value;
}

ContenderArguments readContenderArguments(int count, char** values) {
    ContenderArguments read;
    for (int i = 1; i < count; ++i) {
        const std::string_view name = values[i];
        if (name == "--stack") {
            read.stack = true;
            continue;
        }
        if (i + 1 == count) throw std::invalid_argument(std::string(name) + " needs a value");
        const std::string_view value = values[++i];
        if (name == "--url") {
            read.url = value;
        } else if (name == "--path") {
            read.path = value;
        } else if (name == "--ca") {
            read.caFile = value;
        } else if (name == "--connections") {
            read.connections = number(name, value);
        } else if (name == "--threads") {
            read.threads = number(name, value);
        } else if (name == "--contexts") {
            read.contexts = number(name, value);
        } else {
            throw std::invalid_argument("there is no argument " + std::string(name));
        }
    }
    if (const char* token = std::getenv("WIX_BENCH_TOKEN")) read.token = token;
    if (read.contexts != 1 && read.contexts != read.threads)
        throw std::invalid_argument("--contexts is 1, or as many as --threads");
    return read;
}

void serve(int count, char** values, const std::function<std::unique_ptr<Contender>(const ContenderArguments&)>& make) {
    const ContenderArguments arguments = readContenderArguments(count, values);
    const std::unique_ptr<Contender> contender = make(arguments);
    std::vector<Caller> callers(arguments.connections);
    json::object ready = round(*contender, callers, std::chrono::milliseconds(200));  // connections, caches, tickets
    ready["ready"] = true;
    tell(ready);
    for (std::string line; std::getline(std::cin, line);) {
        if (!line.starts_with("go ")) throw std::invalid_argument("asked for something else than `go`");
        tell(round(*contender, callers, std::chrono::milliseconds(number("go", std::string_view(line).substr(3)))));
    }
}

}  // namespace

void Caller::begin(Clock::time_point now, Clock::time_point end) {
    began_ = now;
    end_ = end;
    micros_.clear();
}

bool Caller::again() {
    const Clock::time_point now = Clock::now();
    micros_.push_back(std::chrono::duration<float, std::micro>(now - began_).count());
    began_ = now;
    return now < end_;
}

std::uint16_t ContenderArguments::port() const {
    const std::string place = authority();
    return static_cast<std::uint16_t>(number("--url", std::string_view(place).substr(place.rfind(':') + 1)));
}

std::string ContenderArguments::ca() const {
    std::ifstream file(caFile);
    return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

int contenderMain(int count, char** values,
                  const std::function<std::unique_ptr<Contender>(const ContenderArguments&)>& make) {
    try {
        serve(count, values, make);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", values[0], error.what());
        return 1;
    }
}

void onThreads(std::size_t threads, const std::function<void(std::size_t)>& work) {
    std::vector<std::exception_ptr> failures(threads);
    const auto run = [&](std::size_t which) {
        try {
            work(which);
        } catch (...) {
            failures[which] = std::current_exception();
        }
    };
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < threads; ++i)
        others.emplace_back([&run, i] {
            run(i);
            allocationsOfOthers += allocationsOfThread();
        });
    run(0);
    for (std::thread& other : others) other.join();
    for (const std::exception_ptr& failure : failures)
        if (failure) std::rethrow_exception(failure);
}

}  // namespace wix::bench
