// The clocks of the SDK, injected so that tests move them.
#pragma once

#include <chrono>

namespace wix::detail {

/// Time since boot, suspend included: a token ages while the machine sleeps (CLOCK_MONOTONIC would stand still).
struct BootClock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;

    static time_point now() noexcept;
};
using BootTime = BootClock::time_point;
using WallTime = std::chrono::system_clock::time_point;

/// The moment of an event, and a random number in [0, 1): what a pure state machine needs from the world.
struct Moment {
    Moment() = default;
    Moment(BootTime boot, WallTime wall, double random) : boot(boot), wall(wall), random(random) {}
    BootTime boot{};
    WallTime wall{};
    double random = 0;
};

class Clock {
public:
    virtual ~Clock() = default;
    virtual BootTime boot() const = 0;
    virtual WallTime wall() const = 0;
    virtual double random() const = 0;
    Moment now() const { return Moment(boot(), wall(), random()); }

    /// The machine's own. Thread-safe.
    static const Clock& system();
};

}  // namespace wix::detail
