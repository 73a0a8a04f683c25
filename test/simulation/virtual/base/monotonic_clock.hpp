// Takes the place of src/base/monotonic_clock.hpp in the simulation: timers and deadlines run in virtual time.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>

#include <chrono>

namespace wix::detail {

struct MonotonicClock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonotonicClock>;
    static constexpr bool is_steady = true;
    static constexpr bool is_virtual = true;

    static time_point now() noexcept { return current; }
    /// Each thread simulates a world of its own.
    static inline thread_local time_point current{};
};
using MonotonicTime = MonotonicClock::time_point;
using MonotonicTimer = boost::asio::basic_waitable_timer<MonotonicClock>;

}  // namespace wix::detail
