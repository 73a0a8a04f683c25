// A visitor's session in a browser's cookie, sealed: the browser can neither read nor change it.
#ifndef WIX_SESSION_COOKIE_HPP
#define WIX_SESSION_COOKIE_HPP

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <wix/config.hpp>
#include <wix/error.hpp>
#include <wix/tokens.hpp>

namespace wix {

/// A secret of 256 bits, and the name by which sealed values tell which one they were sealed with.
class WIX_EXPORT CookieKey {
public:
    /// `id`: 1 to 16 of A-Z a-z 0-9 `_`. `hex`: 64 hexadecimal digits, such as of `openssl rand -hex 32`. Throws Error
    /// with Errc::invalid_argument, which does not repeat the secret.
    static CookieKey fromHex(std::string id, std::string_view hex);
    /// A new one: values sealed with it can be opened as long as the program runs.
    static CookieKey random(std::string id);

    const std::string& id() const noexcept { return id_; }

private:
    friend class SessionCookie;
    CookieKey(std::string id, std::string secret);
    std::string id_;
    std::string secret_;
};

enum class SameSite {
    strict,  ///< Not sent when a visitor comes from another site.
    lax,     ///< Sent when a visitor follows a link from another site, not with its forms.
    none,    ///< Always sent. Needs `secure`.
};

/// Everything that can be set, with its default in place.
struct WIX_EXPORT CookieOptions {
    CookieOptions() = default;
    /// With the prefix `__Host-` browsers insist on secure, path `/` and no domain; `__Secure-` on secure.
    std::string name = "__Host-wix-session";
    std::string path = "/";
    std::string domain;    ///< Empty: this host only.
    bool secure = true;    ///< Sent over https only.
    bool httpOnly = true;  ///< Out of reach of scripts.
    SameSite sameSite = SameSite::lax;
    /// Of the cookie, and of what is sealed. 1 s to 400 days, which is what browsers keep at most.
    std::chrono::seconds maxAge{std::chrono::hours(24) * 30};
    /// openTokens() also takes tokens as plain JSON, as JavaScript front ends write them into a cookie (`JSON.stringify`,
    /// percent-encoded or not). Whoever can write such a cookie chooses the session.
    bool acceptPlainTokens = false;
};

/// Seals a session's key, or its tokens, with AES-256-GCM into a cookie value, and opens it again. Immutable; thread-safe.
///
/// A value holds a format number, the id of its key, when it expires, and what was sealed; bound to the purpose and the
/// name of the cookie. Changing any bit of it, a wrong purpose, an unknown key, and a value that has expired all give
/// Errc::cookie_refused, whose text does not tell which, nor anything of the value.
class WIX_EXPORT SessionCookie {
public:
    using Time = std::chrono::system_clock::time_point;

    /// `keys`: the first seals, all open; put a new one in front, and drop an old one maxAge later. `purpose` keeps
    /// values apart that are sealed with the same keys, such as `session` and `csrf`; not empty.
    /// Throws Error with Errc::invalid_argument that names the option.
    SessionCookie(std::vector<CookieKey> keys, std::string purpose, CookieOptions options = CookieOptions());

    /// A value for setCookie(): letters, digits, `-`, `_` and `.`. At most 2 KB of text, so that browsers keep it:
    /// Errc::invalid_argument.
    std::string seal(std::string_view text, Time now = std::chrono::system_clock::now()) const;
    /// What was sealed. Errors: Errc::cookie_refused.
    result<std::string> open(std::string_view value, Time now = std::chrono::system_clock::now()) const;

    std::string sealTokens(const Tokens& tokens, Time now = std::chrono::system_clock::now()) const;
    /// Errors: Errc::cookie_refused.
    result<Tokens> openTokens(std::string_view value, Time now = std::chrono::system_clock::now()) const;

    /// The value of a `Set-Cookie` header (RFC 6265).
    std::string setCookie(std::string_view value) const;
    /// The same, to have the browser forget it.
    std::string clearCookie() const;
    /// The value of this cookie in the value of a `Cookie` header. If a browser sends several of this name, the first.
    std::optional<std::string> find(std::string_view cookieHeader) const;

    const CookieOptions& options() const noexcept;

private:
    struct Impl;
    std::shared_ptr<const Impl> impl_;
};

}  // namespace wix

#endif
