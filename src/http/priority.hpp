// Which request gets a connection first when there are too few.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wix::detail {

/// The first one is served first. All but `ordinary` may use a few connections beyond the limits, and PoolLimits::urgent
/// bounds how many of them have a connection at a time.
enum class Priority : std::uint8_t {
    urgent,      ///< Others are waiting for its response, who had been served before.
    elevated,    ///< Others are waiting for its response for the first time.
    background,  ///< Nothing waits for its response yet. Few, and of use only while they are in time.
    ordinary,
};
inline constexpr std::size_t priorities = 4;

}  // namespace wix::detail
