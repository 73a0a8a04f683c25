// A hash of everything that a story did and that the code under test did in it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string_view>

namespace wix::simulation {

/// Only kinds and values go in, never a text: the hash stays the same when a name, a message or a class is changed.
class Trace {
public:
    enum class Kind : std::uint64_t {
        action = 1,
        exchangeStarted,
        exchangeEnded,
        storageAsked,
        storageEnded,
        callSent,
        callEnded,
        completed,
        published,
        renewalStarted,
        renewalFinished,
        renewalFailed,
        renewalAdopted,
        sessionLost,
        saveFailed,
    };

    void add(Kind kind, std::initializer_list<std::uint64_t> values) {
        if (prints) print(kind, values);
        add(static_cast<std::uint64_t>(kind));
        for (const std::uint64_t value : values) add(value);
    }
    /// Whether everything is printed as it happens: the name of the kind and the values.
    static inline bool prints = false;
    std::uint64_t value() const { return mixed(hash_); }

    /// The finalizer of splitmix64.
    static constexpr std::uint64_t mixed(std::uint64_t value) {
        value += 0x9e3779b97f4a7c15;
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
    /// The numbers in a text: of the token "SECRET-r.3.1" they are visitor 3 and rotation 1.
    static std::uint64_t numberOf(std::string_view text) {
        std::uint64_t number = 0;
        for (const char c : text.substr(0, 200)) {
            if (c == '.') number = number * 1'000'003 + 1;
            if (c >= '0' && c <= '9') number = number * 10 + static_cast<std::uint64_t>(c - '0');
        }
        return number;
    }
    template <class Time>
    static std::uint64_t timeOf(Time time) {
        return static_cast<std::uint64_t>(time.time_since_epoch().count());
    }

private:
    static void print(Kind kind, std::initializer_list<std::uint64_t> values) {
        static constexpr const char* names[] = {
            "action",          "exchange starts", "exchange ends",    "storage is called",
            "storage returns", "call sent",       "call ends",        "caller ends",
            "tokens",          "renewal started", "renewal finished", "renewal failed",
            "renewal adopted", "session lost",    "save failed"};
        std::printf("  %s:", names[static_cast<std::size_t>(kind) - 1]);
        for (const std::uint64_t value : values) std::printf(" %llu", static_cast<unsigned long long>(value));
        std::printf("\n");
    }
    void add(std::uint64_t value) { hash_ = mixed(hash_ ^ value); }
    std::uint64_t hash_ = 0;
};

}  // namespace wix::simulation
