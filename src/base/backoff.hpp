// How long to wait before trying again. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace wix::detail {

/// Full jitter: a random part of `first * 2^(failures - 1)`, that capped at `most`. `failures` counts from 1.
std::chrono::milliseconds fullJitter(int failures, std::chrono::milliseconds first, std::chrono::milliseconds most,
                                     double random);

/// Reads a `Retry-After` value: seconds, or an HTTP date (RFC 9110 10.2.3). Returns the delay from `now`, zero for a date
/// in the past, and nothing for other texts.
std::optional<std::chrono::milliseconds> parseRetryAfter(std::string_view value, WallTime now);

}  // namespace wix::detail
