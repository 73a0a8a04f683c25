// Cookies as text: the attributes of Set-Cookie, and the header Cookie (RFC 6265). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <wix/error.hpp>
#include <wix/session_cookie.hpp>

namespace wix::detail {

/// Browsers keep no more than that of name, value and attributes together (RFC 6265 6.1).
inline constexpr std::size_t maxCookieBytes = 4096;

/// Errc::invalid_argument that names the option, and says what it wants.
std::optional<Failure> checkCookieOptions(const CookieOptions& options);

/// Whether `value` may be a cookie's: printable ASCII without spaces, quotes, commas, semicolons and backslashes.
bool isCookieValue(std::string_view value) noexcept;

/// `name=value; Path=...` and so on. Options and value are checked. `maxAge` of 0: the browser is to forget it.
std::string writeSetCookie(const CookieOptions& options, std::string_view value, std::chrono::seconds maxAge);

/// Takes the next value of that name from the front of `header`; nothing if there is none. Anything may stand in a header
/// that a client sends: what is no cookie is passed over. Returns a view into `header`, without the quotes.
std::optional<std::string_view> takeCookie(std::string_view& header, std::string_view name) noexcept;

/// The first value of that name.
inline std::optional<std::string_view> findCookie(std::string_view header, std::string_view name) noexcept {
    return takeCookie(header, name);
}

}  // namespace wix::detail
