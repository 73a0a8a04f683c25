// The clock of deadlines and timers. (Tokens age on BootClock instead: clock.hpp.)
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>

#include <chrono>

namespace wix::detail {

/// One name for it in async/ and auth/: the simulation compiles those rooms with a clock of its own in its place.
using MonotonicClock = std::chrono::steady_clock;
using MonotonicTime = MonotonicClock::time_point;
using MonotonicTimer = boost::asio::basic_waitable_timer<MonotonicClock>;

}  // namespace wix::detail
