// Whether a deadline that has passed ends what it limits. Pure.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/monotonic_clock.hpp"

namespace wix::detail {

/// A process that was stopped, or a machine that was suspended, finds two things at once when it continues: its deadlines
/// have passed, and the responses that it has been waiting for lie in its sockets. A check of deadlines that runs much
/// later than planned must therefore end nothing, and leaves time to read them, for thousands of connections if need be.
/// What is not complete by then is late.
class DeadlineCheck {
public:
    static constexpr std::chrono::milliseconds tolerance{1000};  ///< A check that is so late ends nothing.
    static constexpr std::chrono::milliseconds grace{1000};      ///< For this time after it nothing expires.
    static constexpr std::chrono::milliseconds interval{100};    ///< Between the checks of an io_context.
    /// More late checks in a row are those of an event loop that is always late: its deadlines count all the same.
    static constexpr int mostLateInARow = 2;

    void plan(MonotonicTime at) noexcept {
        planned_ = at;
        isPlanned_ = true;
    }
    /// Runs the check that was planned. False: nothing expires now, or before `now + grace` if this check is the only one.
    bool run(MonotonicTime now) noexcept {
        const bool late = isLate(now);
        if (late && lateInARow_ < mostLateInARow) graceEnd_ = now + grace;
        lateInARow_ = late ? std::min(lateInARow_ + 1, mostLateInARow) : 0;
        isPlanned_ = false;
        return now >= graceEnd_;
    }
    /// Whether nothing expires at `now`, since the check that is planned is late, or one was a moment ago.
    bool isPostponed(MonotonicTime now) const noexcept {
        return (isLate(now) && lateInARow_ < mostLateInARow) || now < graceEnd_;
    }

    MonotonicTime planned() const noexcept { return planned_; }

private:
    bool isLate(MonotonicTime now) const noexcept { return isPlanned_ && now - planned_ >= tolerance; }

    MonotonicTime planned_{};
    MonotonicTime graceEnd_{};
    bool isPlanned_ = false;
    int lateInARow_ = 0;
};

}  // namespace wix::detail
