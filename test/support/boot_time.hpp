// A machine that was suspended, or a process that was stopped, as far as its clock shows: no test has to wait for it.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <memory>

#include "base/monotonic_clock.hpp"

namespace wix::test {

/// Moves CLOCK_BOOTTIME forward for the whole process, for good. The other clocks stay: to the kernel nothing happened.
void moveBootTime(std::chrono::nanoseconds by);

/// Moves the clock, and lets all timers of `io` that are due by then fire when it runs next.
inline void continueLater(boost::asio::io_context& io, std::chrono::nanoseconds by) {
    moveBootTime(by);
    // The reactor asks for the time anew when the earliest of its timers changes.
    const auto timer = std::make_shared<detail::MonotonicTimer>(io, detail::MonotonicTime());
    timer->async_wait([timer](const boost::system::error_code&) {});
}

}  // namespace wix::test
