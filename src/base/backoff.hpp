// How long to wait before trying again, and the dates of HTTP. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace wix::detail {

/// Full jitter: a random part of `first * 2^(failures - 1)`, that capped at `most`. `failures` counts from 1.
std::chrono::milliseconds fullJitter(int failures, std::chrono::milliseconds first, std::chrono::milliseconds most,
                                     double random);

/// An HTTP date (RFC 9110 5.6.7; IMF-fixdate only). Nothing if it is none, or not between 1970 and 2262.
std::optional<WallTime> parseHttpDate(std::string_view text);

/// A `Retry-After` value as a delay from `now`: seconds, or an HTTP date (RFC 9110 10.2.3; IMF-fixdate only).
/// Nothing if it is neither. Dates in the past are zero.
std::optional<std::chrono::milliseconds> parseRetryAfter(std::string_view value, WallTime now);

}  // namespace wix::detail
