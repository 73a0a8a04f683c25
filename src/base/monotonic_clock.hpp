// The clock of deadlines and timers.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>

#include <algorithm>
#include <chrono>

#include "base/clock.hpp"

namespace wix::detail {

/// Counts the time that the machine is suspended: what a peer does meanwhile takes no notice of it. One name for it in
/// async/ and auth/: the simulation compiles those rooms with a clock of its own in its place.
using MonotonicClock = BootClock;
using MonotonicTime = MonotonicClock::time_point;

/// Asio's reactor waits on a clock that stands still while the machine is suspended. So it looks again after a second.
struct MonotonicWait {
    static constexpr MonotonicClock::duration longest = std::chrono::seconds(1);
    static MonotonicClock::duration to_wait_duration(const MonotonicClock::duration& left) {
        return std::min(left, longest);
    }
    static MonotonicClock::duration to_wait_duration(const MonotonicTime& end) {
        return to_wait_duration(end - MonotonicClock::now());
    }
};
using MonotonicTimer = boost::asio::basic_waitable_timer<MonotonicClock, MonotonicWait>;

}  // namespace wix::detail
