// Base64url without padding (RFC 4648 section 5). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wix::detail {

std::string toBase64url(std::string_view bytes);

/// The inverse, for exactly the texts that toBase64url() gives: padding, line ends, the other alphabet, and bits behind
/// the last byte are refused, so that no two texts stand for the same bytes.
std::optional<std::string> fromBase64url(std::string_view text);

}  // namespace wix::detail
