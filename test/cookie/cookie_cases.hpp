// What the tests of cookies share.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include <wix/session_cookie.hpp>

#include "support/secrets.hpp"

namespace wix::test {

inline const SessionCookie::Time sealedAt = std::chrono::sys_seconds(std::chrono::seconds(1'750'000'000));
inline constexpr std::string_view valueCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

/// The bytes 0 to 31, unless `first` says where they begin.
inline CookieKey key(std::string id, int first = 0) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (int byte = first; byte < first + 32; ++byte) {
        hex.push_back(digits[static_cast<std::size_t>(byte) / 16 % 16]);
        hex.push_back(digits[static_cast<std::size_t>(byte) % 16]);
    }
    return CookieKey::fromHex(std::move(id), hex);
}

template <class... Keys>
std::vector<CookieKey> keysOf(Keys... keys) {
    return std::vector<CookieKey>{std::move(keys)...};
}

inline SessionCookie sessionCookie(CookieOptions options = CookieOptions(), std::string purpose = "session") {
    return SessionCookie(keysOf(key("k1")), std::move(purpose), std::move(options));
}

/// Whether it was refused, in the words that are the same for all that is refused.
template <class T>
bool isRefused(const result<T>& answer, const std::string& name = "__Host-wix-session") {
    if (answer.has_value()) return false;
    CHECK(answer.error().code == Errc::cookie_refused);
    CHECK(answer.error().context == "the cookie " + name);
    return true;
}

/// What a value opens to, or `refused`.
inline std::string opened(const SessionCookie& cookie, std::string_view value, SessionCookie::Time now = sealedAt) {
    const auto answer = cookie.open(value, now);
    return isRefused(answer, cookie.options().name) ? "refused" : *answer;
}

/// Tokens of which the access token has so many characters. They are secrets of the tests.
inline Tokens tokensOf(std::size_t size, TokenRole role = TokenRole::visitor) {
    std::string access = "JWS.eyJ";
    access.resize(size, 'x');
    return Tokens(AccessToken(std::move(access), std::chrono::sys_seconds(std::chrono::seconds(1'750'000'600))),
                  RefreshToken("JWS.eyJrefresh", role));
}

/// What `operation` throws; an empty failure if it does not. It has no secret in it.
template <class Operation>
Failure failureOf(Operation&& operation) {
    try {
        operation();
    } catch (const Error& error) {
        requireNoSecret(error.failure());
        return error.failure();
    }
    return Failure();
}

}  // namespace wix::test
