// The dates of HTTP headers (RFC 9110 5.6.7). Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace wix::detail {

/// Reads an HTTP date in any of the three forms that a recipient must accept: IMF-fixdate, RFC 850 and asctime. `now`
/// decides about the century of RFC 850's two-digit year. Returns nothing for other texts.
std::optional<std::chrono::sys_seconds> readHttpDate(std::string_view text, WallTime now);

/// The same as a wall-clock time. Returns nothing also for a date that is not between 1970 and 2262.
std::optional<WallTime> parseHttpDate(std::string_view text, WallTime now);

}  // namespace wix::detail
