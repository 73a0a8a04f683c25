// When something that moves bytes has stalled. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "base/monotonic_clock.hpp"

namespace wix::detail {

/// Fewer than `bytes` bytes within `time` are a stall. A peer that drips one byte a second does not count as alive, one
/// on a slow line does.
class ThroughputRule {
public:
    ThroughputRule(std::chrono::milliseconds time, std::size_t bytes) : time_(time), bytes_(bytes) {}

    /// Starts the count; gives the deadline.
    MonotonicTime begin(MonotonicTime now) noexcept {
        moved_ = 0;
        return now + time_;
    }
    /// `size` more bytes have moved; gives the new deadline if there is one.
    std::optional<MonotonicTime> moved(std::size_t size, MonotonicTime now) noexcept {
        moved_ += size;
        if (moved_ < bytes_) return std::nullopt;
        return begin(now);
    }

private:
    std::chrono::milliseconds time_;
    std::size_t bytes_;
    std::size_t moved_ = 0;
};

}  // namespace wix::detail
