// A limit of calls per minute. Pure.
#ifndef WIX_TESTING_RATE_LIMIT_HPP
#define WIX_TESTING_RATE_LIMIT_HPP

#include <chrono>
#include <cstddef>
#include <optional>

#include "testing/encoding.hpp"

namespace wix::testing::detail {

/// Windows of one minute, each begun by the first call after the end of the one before.
class RateLimit {
public:
    RateLimit() = default;
    /// 0: no limit.
    explicit RateLimit(std::size_t perMinute) : perMinute_(perMinute) {}

    std::size_t perMinute() const noexcept { return perMinute_; }
    /// nullopt lets the call pass and counts it; else the time until the next window.
    std::optional<std::chrono::seconds> refuse(Time now) {
        if (perMinute_ == 0) return std::nullopt;
        constexpr std::chrono::minutes window{1};
        if (!begun_ || now >= *begun_ + window) {
            begun_ = now;
            calls_ = 0;
        }
        if (calls_ < perMinute_) {
            ++calls_;
            return std::nullopt;
        }
        return std::chrono::ceil<std::chrono::seconds>(*begun_ + window - now);
    }

private:
    std::size_t perMinute_ = 0;
    std::size_t calls_ = 0;
    std::optional<Time> begun_;
};

}  // namespace wix::testing::detail

#endif
