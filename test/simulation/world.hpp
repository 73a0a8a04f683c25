// The time of a simulated world, its random numbers, and the rule that a story has violated.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>

#include "base/clock.hpp"
#include "base/monotonic_clock.hpp"
#include "trace.hpp"

namespace wix::simulation {

using namespace std::chrono_literals;
using detail::BootTime;
using detail::MonotonicClock;
using detail::MonotonicTime;
using detail::WallTime;

static_assert(MonotonicClock::is_virtual, "the simulation was compiled with the clock of the machine");

/// Something happened that must never happen.
class Violation : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The first one of this thread's story: some are thrown where the code under test catches everything.
inline thread_local std::string firstViolation;

inline void require(bool holds, const std::string& otherwise) {
    if (holds) return;
    if (firstViolation.empty()) firstViolation = otherwise;
    throw Violation(otherwise);
}

/// Two clocks: wall (set at will) and the time since boot, which counts suspensions. Deadlines are on the latter.
class World final : public detail::Clock {
public:
    explicit World(std::uint64_t seed) : seed_(seed), story_(seed * 7 + 3) {
        MonotonicClock::current = MonotonicTime(1h);
    }

    BootTime boot() const override { return boot_; }
    WallTime wall() const override { return wall_; }
    /// What the wall clock would show if it had not been set. The endpoint's clock is not set with this machine's.
    WallTime trueWall() const { return wall_ - set_; }
    /// The jitter of the code under test: a function of the seed and of the number of renewal events so far. How often the
    /// code reads the clock changes neither this number nor the story.
    double random() const override {
        return static_cast<double>(Trace::mixed(Trace::mixed(seed_) + renewalEvents_) >> 11) * 0x1p-53;
    }
    /// An exchange or an operation of the storage begins or ends, or a caller sets another session.
    void renewalEvent() { ++renewalEvents_; }

    void pass(std::chrono::nanoseconds time) {
        MonotonicClock::current += time;
        boot_ += time;
        wall_ += std::chrono::duration_cast<WallTime::duration>(time);
    }
    void setWall(std::chrono::seconds by) {
        wall_ += by;
        set_ += by;
    }

    /// For the story alone.
    bool chance(unsigned percent) { return story_() % 100 < percent; }

    Trace trace;

private:
    const std::uint64_t seed_;
    std::mt19937_64 story_;
    std::uint64_t renewalEvents_ = 0;
    BootTime boot_{2h};
    std::chrono::seconds set_{0};
    WallTime wall_{1'700'000'000s};
};

}  // namespace wix::simulation
