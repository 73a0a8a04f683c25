// Which methods, header fields and tokens may go on the wire. Beast writes what it is given, CR and LF included, so
// everything that comes from outside passes here first. Pure. No text that these give has a value in it.
#pragma once

#include <optional>
#include <string_view>

#include <wix/error.hpp>
#include <wix/options.hpp>

namespace wix::detail {

/// What the site says with an answer, and hears with the next request; see call/consistency.hpp.
inline constexpr std::string_view consistencyHeader = "X-Wix-Consistent";

/// Compares ASCII letters without case, as header names and codings are compared.
bool equalsIgnoreCase(std::string_view a, std::string_view b) noexcept;

/// RFC 9110: the form of a header name and of a method.
bool isToken(std::string_view text) noexcept;

/// Errc::invalid_header unless `name` is a token and `value` is printable ASCII, spaces and tabs.
std::optional<Failure> checkHeader(std::string_view name, std::string_view value);

/// Header fields that belong to the SDK: they decide about framing, authorization and the connection.
bool isReserved(std::string_view name) noexcept;

/// checkHeader for each, and none is reserved.
std::optional<Failure> checkCallerHeaders(const Headers& headers);

/// Errc::invalid_argument unless `method` is an upper-case token, and neither CONNECT nor TRACE.
std::optional<Failure> checkMethod(std::string_view method);

/// A longer token is none: no server takes such a header.
inline constexpr std::size_t maxTokenValue = std::size_t{64} << 10;

/// Whether `text` may be the value of `Authorization`: 1 byte to 64 KiB of visible ASCII.
bool isSafeTokenValue(std::string_view text) noexcept;

}  // namespace wix::detail
