// Where a request goes: origins, API bases, and which request targets may go on the wire. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <wix/error.hpp>

namespace wix::detail {

/// Scheme, host and port: what a connection is made to, and the boundary that no token crosses.
struct Origin {
    Origin() = default;
    Origin(bool tls, std::string host, std::uint16_t port);

    /// For the `Host` field: IPv6 in brackets, the port only if it is not the scheme's own.
    std::string hostHeader() const;
    void appendHostHeader(std::string& out) const;
    /// `https://host[:port]`
    std::string toString() const;
    /// True for IPv4 and IPv6 addresses: they get no SNI.
    bool isIpLiteral() const;

    friend bool operator==(const Origin&, const Origin&) = default;

    bool tls = true;
    std::string host;  ///< Lower case; IPv6 without brackets.
    std::uint16_t port = 443;
};

/// An API below an origin: ClientOptions::apiUrl and edgeUrl.
struct ApiBase {
    ApiBase() = default;
    ApiBase(Origin origin, std::string pathPrefix);

    Origin origin;
    std::string pathPrefix;  ///< Empty, or `/prefix` without a slash at its end.
};

/// A request target that may go on the wire, and to whom.
struct ResolvedTarget {
    ResolvedTarget() = default;
    ResolvedTarget(Origin origin, std::string target);

    Origin origin;
    std::string target;  ///< In origin form: `/path?query`.
};

/// Reads the option `optionName`. Plain HTTP only to loopback, and only if that is allowed.
/// Errc::invalid_argument names the option and what it wants, and never repeats the URL: it may hold a password.
result<ApiBase> parseApiBase(std::string_view optionName, std::string_view url, bool allowPlainHttpToLoopback);

/// `target` is `/path?query` below `relativeTo`, or an absolute URL below one of `allowed`.
/// Errc::invalid_target says what is wrong and at which offset, and never repeats the target: a query may hold secrets.
result<ResolvedTarget> resolveTarget(std::string_view target, const ApiBase& relativeTo,
                                     std::span<const ApiBase> allowed);

/// Where a redirect's `Location` (RFC 9110 10.2.2) leads that came from `target` of `from`: an absolute URL, or one
/// relative to there. Its fragment is dropped. Nothing if it is malformed, has user info or a character that may not go
/// on the wire, or leads to another scheme than https: plain http is left only where it came from, to loopback.
std::optional<ResolvedTarget> resolveLocation(std::string_view location, const Origin& from, std::string_view target);

}  // namespace wix::detail
