// The time of a simulated world, its dice, and what is wrong with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>

#include "base/clock.hpp"
#include "base/monotonic_clock.hpp"

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

/// Three clocks: wall (set at will), monotonic (stands still in suspend) and boottime (does not).
class World final : public detail::Clock {
public:
    explicit World(std::uint64_t seed) : dice_(seed) { MonotonicClock::current = MonotonicTime(1h); }

    BootTime boot() const override { return boot_; }
    WallTime wall() const override { return wall_; }
    double random() const override { return std::uniform_real_distribution<double>(0.0, 1.0)(dice_); }

    void pass(std::chrono::nanoseconds time) {
        MonotonicClock::current += time;
        suspend(time);
    }
    void suspend(std::chrono::nanoseconds time) {
        boot_ += time;
        wall_ += std::chrono::duration_cast<WallTime::duration>(time);
    }
    void setWall(std::chrono::seconds by) { wall_ += by; }

    bool chance(unsigned percent) { return dice_() % 100 < percent; }
    std::uint64_t below(std::uint64_t bound) { return dice_() % bound; }

private:
    mutable std::mt19937_64 dice_;
    BootTime boot_{2h};
    WallTime wall_{1'700'000'000s};
};

}  // namespace wix::simulation
