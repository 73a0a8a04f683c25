// The tokens of a session, in the shape of the JavaScript SDK.
#ifndef WIX_TOKENS_HPP
#define WIX_TOKENS_HPP

#include <boost/json/value.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <wix/config.hpp>

namespace wix {

/// Whom a refresh token stands for. A local label: it is never sent.
enum class TokenRole {
    none,     ///< There is no session.
    visitor,  ///< An anonymous visitor of the site.
    member,   ///< A logged-in member of the site.
};

/// `none`, `visitor` or `member`, as in JSON.
WIX_EXPORT std::string_view roleName(TokenRole) noexcept;

/// Returns the role whose roleName() is `name`; nothing for any other text.
WIX_EXPORT std::optional<TokenRole> tokenRoleFromString(std::string_view name) noexcept;

struct WIX_EXPORT AccessToken {
    AccessToken() = default;
    AccessToken(std::string token, std::chrono::sys_seconds expiry) : value(std::move(token)), expiresAt(expiry) {}

    std::string value;                     ///< Secret. Goes into `Authorization` as it is.
    std::chrono::sys_seconds expiresAt{};  ///< Wall clock, whole seconds since 1970; what other SDKs read.

    friend bool operator==(const AccessToken&, const AccessToken&) = default;
};

struct WIX_EXPORT RefreshToken {
    RefreshToken() = default;
    RefreshToken(std::string token, TokenRole whose) : value(std::move(token)), role(whose) {}

    std::string value;  ///< Secret, and long-lived: keep it where only this program reads it.
    TokenRole role = TokenRole::none;

    friend bool operator==(const RefreshToken&, const RefreshToken&) = default;
};

/// A session. `Tokens{}` is "no session". There is no operator<<: tokens are secrets.
struct WIX_EXPORT Tokens {
    Tokens() = default;
    Tokens(AccessToken access, RefreshToken refresh)
        : accessToken(std::move(access)), refreshToken(std::move(refresh)) {}

    AccessToken accessToken;
    RefreshToken refreshToken;

    /// True if there is neither an access token nor a refresh token.
    bool empty() const noexcept { return accessToken.value.empty() && refreshToken.value.empty(); }

    friend bool operator==(const Tokens&, const Tokens&) = default;
};

/// `{"accessToken":{"value","expiresAt"},"refreshToken":{"value","role"}}`, as the JavaScript SDK writes it.
WIX_EXPORT boost::json::value toJson(const Tokens&);

/// The inverse. Unknown members are ignored.
///
/// `expiresAt` may be any number. If it is missing or null (JavaScript writes NaN so), the access token counts as expired.
/// `accessToken`, or its `value`, may be missing or null if there is a refresh token: the session is then renewed at its
/// first use. Throws Error with Errc::invalid_argument if another member is missing or one has the wrong type; the text
/// names the member and never its value.
WIX_EXPORT Tokens tokensFromJson(const boost::json::value&);

}  // namespace wix

#endif
