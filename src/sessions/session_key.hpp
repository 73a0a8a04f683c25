// The key of a visitor, as the key of a storage. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <wix/error.hpp>

namespace wix::detail {

/// Errc::invalid_argument unless `key` has 1 to 512 bytes.
std::optional<Failure> checkVisitorKey(std::string_view key);

/// Visible ASCII, as OAuthStrategy::sessionKey is: other bytes, and `%`, are percent-encoded. No two keys give the same.
std::string storageKeyOf(std::string_view key);

}  // namespace wix::detail
