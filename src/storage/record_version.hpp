// The version that the next record of a session gets.
#pragma once

#include <algorithm>
#include <cstdint>

namespace wix::detail {

/// The largest version: a JavaScript program may copy it.
inline constexpr std::uint64_t maxRecordVersion = (std::uint64_t{1} << 53) - 2;

/// Above the version that is there, and above `newest`, the newest that this storage has made. The time makes it higher
/// too than that of any record that was removed before, by whichever process, and than that of a backup. Versions are
/// microseconds since 1970 therefore, and run ahead of them only while a clock is wrong.
inline std::uint64_t nextRecordVersion(std::uint64_t present, std::uint64_t newest,
                                       std::int64_t microsecondsSince1970) {
    const std::uint64_t time = static_cast<std::uint64_t>(std::max(microsecondsSince1970, std::int64_t{1}));
    // A clock that is beyond the range of versions is wrong, and must not end the session.
    return std::max({present + 1, newest + 1, time > maxRecordVersion / 2 ? 1 : time});
}

/// That of a record which another program has written without one: the time of the file.
inline std::uint64_t unmarkedRecordVersion(std::int64_t microsecondsSince1970) {
    return static_cast<std::uint64_t>(
        std::clamp(microsecondsSince1970, std::int64_t{1}, static_cast<std::int64_t>(maxRecordVersion / 2)));
}

}  // namespace wix::detail
