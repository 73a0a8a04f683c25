// The file name of a session in a directory of sessions.
#pragma once

#include <string>
#include <string_view>

namespace wix::detail {

/// The SHA-256 of the key in hexadecimal digits, and ".json": any key is a name so, and tells nothing to who lists the
/// directory. Empty if OpenSSL fails.
std::string sessionFileName(std::string_view key);

/// Whether sessionFileName() may have given it.
bool isSessionFileName(std::string_view name) noexcept;

}  // namespace wix::detail
