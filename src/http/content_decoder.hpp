// Undoes the content coding of an answer's body, within limits. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <wix/error.hpp>

namespace wix::detail {

/// Whether the list `contentEncoding` names a coding other than identity.
bool isCoded(std::string_view contentEncoding) noexcept;

/// `contentEncoding` is the list of the header, empty if there is none. Understands identity, and one of gzip (of several
/// members too), x-gzip and deflate (with zlib's wrapper and without); an empty body is empty in any coding.
/// Fails with Errc::response_too_large above `maxBytes`, or where more than 1 MiB comes from 200 times less;
/// response_truncated; response_invalid for other codings, damage, and bytes behind the end. Memory grows with what
/// has been decoded, never with what is claimed.
result<std::string> decodeContent(std::string_view contentEncoding, std::string body, std::size_t maxBytes);

}  // namespace wix::detail
