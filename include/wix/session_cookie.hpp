// A visitor's session in a browser's cookie, sealed: the browser can neither read nor change it.
#ifndef WIX_SESSION_COOKIE_HPP
#define WIX_SESSION_COOKIE_HPP

#include <chrono>
#include <memory>
#include <optional>
#include <span>
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
    /// A new one: values sealed with it can be opened as long as the program runs. Throws std::runtime_error if the
    /// system has no random bytes.
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
    /// openTokens() also accepts tokens as plain JSON, as JavaScript front ends write them into a cookie (`JSON.stringify`,
    /// percent-encoded or not): the tokens alone, or `{"clientId","tokens"}` as Wix's own front ends do. Such a cookie is
    /// not sealed: a visitor who can write it chooses the session.
    bool acceptPlainTokens = false;
    /// The client id of the site, for acceptPlainTokens: a plain cookie that names another client id, or lacks one in the
    /// form `{"clientId","tokens"}`, is refused. Empty: the client id in a cookie is not compared.
    std::string clientId;
};

/// Seals a session's key, or its tokens, with AES-256-GCM into a cookie value, and opens it again. Immutable; thread-safe.
///
/// A value is `1.KEYID.` and the base64url of nonce, ciphertext and tag; in it are when it expires and what was sealed. It
/// is bound to the key id, the purpose, the name of the cookie, and to whether it is a text or tokens. Changing any bit of
/// it, a wrong purpose, an unknown key, and a value that has expired all give Errc::cookie_refused, whose text does not
/// tell which, nor anything of the value. Expiry is by the clock of who opens it: the clocks of servers that share keys
/// should agree within a minute.
///
/// Whoever has a value has the session, as with every session cookie: a copy of it opens too, until it expires. What is
/// for one visitor only, such as a token against forged forms, takes a purpose that names the visitor.
///
/// **Keys.** Nonces are random: change the key before it has sealed 2^32 values. A change needs no stop: put a new key in
/// front, and drop the old one maxAge later. If a key is known to others drop it at once; its visitors start anew.
class WIX_EXPORT SessionCookie {
public:
    using Time = std::chrono::system_clock::time_point;

    /// `keys`: the first seals, all open; their ids differ. `purpose` keeps values apart that are sealed with the same
    /// keys, such as `session` and `csrf`; 1 to 1024 bytes. Throws Error with Errc::invalid_argument that names the option.
    SessionCookie(std::vector<CookieKey> keys, std::string purpose, CookieOptions options = CookieOptions());

    /// A value for setCookie(): letters, digits, `-`, `_` and `.`. If the whole cookie takes more than the 4096 bytes that
    /// browsers keep, which is at about 2.9 KB of text: Errc::invalid_argument.
    std::string seal(std::string_view text, Time now = std::chrono::system_clock::now()) const;
    /// What was sealed. Errors: Errc::cookie_refused.
    result<std::string> open(std::string_view value, Time now = std::chrono::system_clock::now()) const;

    /// The same for a session as a whole, for servers that store nothing: the browser then has what is newest, so send it
    /// with each answer. Errors: Errc::invalid_argument if there are no tokens or they are too long, invalid_token.
    std::string sealTokens(const Tokens& tokens, Time now = std::chrono::system_clock::now()) const;
    /// Tokens that were sealed, or with acceptPlainTokens those of a JavaScript front end. They are never empty.
    /// Errors: Errc::cookie_refused.
    result<Tokens> openTokens(std::string_view value, Time now = std::chrono::system_clock::now()) const;

    /// The value of a `Set-Cookie` header (RFC 6265). Errors: Errc::invalid_argument for a value that may not be one, or
    /// with which the cookie is longer than 4096 bytes.
    std::string setCookie(std::string_view value) const;
    /// The same, to have the browser forget it.
    std::string clearCookie() const;
    /// The value of this cookie in the value of a `Cookie` header; open() tells what it is worth. Anything else in there is
    /// passed over. If a browser sends several of this name, the first: openFirst() tries all of them.
    std::optional<std::string> find(std::string_view cookieHeader) const;

    /// Opens the first cookie of this name that can be opened, and returns what was sealed.
    ///
    /// A request may have several cookies of one name: a browser sends one for each path and domain that it was set for, in
    /// an order that says nothing about which one is current (RFC 6265 5.4), and a proxy may divide them among several
    /// `Cookie` lines (RFC 9113 8.2.3). All of them are tried, so that a stale one does not hide a good one.
    ///
    /// @param cookieHeaders The values of all `Cookie` lines of the request, in their order.
    /// Errors: Errc::cookie_refused if none can be opened, or there is none; findAll() distinguishes the two.
    ///
    /// @code
    /// std::vector<std::string_view> lines;
    /// for (auto [field, end] = request.equal_range(http::field::cookie); field != end; ++field)
    ///     lines.push_back(field->value());
    /// wix::result<std::string> key = cookie.openFirst(lines);
    /// @endcode
    result<std::string> openFirst(std::span<const std::string_view> cookieHeaders,
                                  Time now = std::chrono::system_clock::now()) const;
    /// The same for tokens, as openTokens() opens them.
    result<Tokens> openFirstTokens(std::span<const std::string_view> cookieHeaders,
                                   Time now = std::chrono::system_clock::now()) const;
    /// Returns the values of all cookies of this name, in their order.
    std::vector<std::string> findAll(std::span<const std::string_view> cookieHeaders) const;

    const CookieOptions& options() const noexcept;

private:
    struct Impl;
    std::shared_ptr<const Impl> impl_;
};

}  // namespace wix

#endif
