#include "http/url.hpp"

#include <boost/url/grammar/hexdig_chars.hpp>
#include <boost/url/ipv4_address.hpp>
#include <boost/url/rfc/pchars.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "http/split_url.hpp"

namespace urls = boost::urls;

namespace wix::detail {
namespace {

/// What is wrong with a text, without the text.
struct Flaw {
    Flaw(const char* problem, std::size_t at) : what(problem), offset(at) {}
    const char* what;
    std::size_t offset;
};

Failure badTarget(const Flaw& flaw) {
    return Failure(Errc::invalid_target,
                   "request target: " + std::string(flaw.what) + " at offset " + std::to_string(flaw.offset));
}

constexpr auto targetChars = urls::pchars + '/' + '?';

/// What needs no second look, in either form: each call asks for each character of its target.
struct PlainChars {
    constexpr PlainChars() {
        for (int c = 0; c < 256; ++c) plain[c] = c != '%' && targetChars(static_cast<unsigned char>(c));
    }
    constexpr bool operator()(char c) const noexcept { return plain[static_cast<unsigned char>(c)]; }
    bool plain[256] = {};
};
constexpr PlainChars isPlain;

/// The first character of `text` that would break a request line, or that a server may read as another one.
std::optional<Flaw> findBadCharacter(std::string_view text, std::size_t offset, bool originForm) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (isPlain(text[i])) continue;
        const auto c = static_cast<unsigned char>(text[i]);
        const std::size_t at = offset + i;
        if (c < 0x20 || c == 0x7F) return Flaw("a control character", at);
        if (c == ' ') return Flaw("a space", at);
        if (c > 0x7F) return Flaw("a character outside ASCII that is not percent-encoded", at);
        if (c == '\\') return Flaw("a backslash", at);
        if (c == '#') return Flaw("a fragment", at);
        if (c == '%') {
            const auto hex = [&](std::size_t k) { return k < text.size() && urls::grammar::hexdig_chars(text[k]); };
            if (!hex(i + 1) || !hex(i + 2)) return Flaw("a malformed percent-escape", at);
        } else if (originForm && !targetChars(c)) {
            return Flaw("a character that has to be percent-encoded", at);
        }
    }
    return std::nullopt;
}

int hexValue(char c) {
    if (c <= '9') return c - '0';
    return (c | 0x20) - 'a' + 10;
}

/// Whether a server may take a part of `segment` for `.` or `..`: some decode `%2e`, `%2f` and `%5c` before they
/// look, and some cut at `;`.
bool hasDots(std::string_view segment) {
    std::string part;
    for (std::size_t i = 0; i <= segment.size(); ++i) {
        char c = i < segment.size() ? segment[i] : '/';
        if (c == '%') {
            c = static_cast<char>(hexValue(segment[i + 1]) * 16 + hexValue(segment[i + 2]));
            i += 2;
        }
        if (c != '/' && c != '\\' && c != ';') {
            part += c;
            continue;
        }
        if (part == "." || part == "..") return true;
        part.clear();
    }
    return false;
}

std::optional<Flaw> findDotSegment(std::string_view path, std::size_t offset) {
    if (path.find('.') == path.npos && path.find('%') == path.npos) return std::nullopt;  // most paths
    for (std::size_t begin = 0; begin < path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        if (hasDots(path.substr(begin, end - begin))) return Flaw("a dot segment", offset + begin);
        begin = end + 1;
    }
    return std::nullopt;
}

/// RFC 3986 5.2.4, of `/path?query`. Dots that are encoded stay: findDotSegment() refuses them.
std::string withoutDotSegments(std::string_view target) {
    std::string_view path = target.substr(0, target.find('?'));
    const std::string_view query = target.substr(path.size());
    std::string clean;
    while (!path.empty()) {
        const std::string_view segment = path.substr(0, std::min(path.find('/', 1), path.size()));
        path.remove_prefix(segment.size());
        const bool dots = segment == "/." || segment == "/..";
        if (!dots) clean += segment;
        if (segment == "/..") clean.resize(clean.rfind('/') == clean.npos ? 0 : clean.rfind('/'));
        if (dots && path.empty()) clean += '/';
    }
    return clean.append(query);
}

/// Checks `/path?query`; `offset` is its place in what the user wrote.
std::optional<Flaw> findFlaw(std::string_view target, std::size_t offset) {
    if (target.empty() || target[0] != '/') return Flaw("no \"/\"", offset);
    if (target.size() > 1 && target[1] == '/') return Flaw("\"//\", which would name another host,", offset);
    if (auto flaw = findBadCharacter(target, offset, true)) return flaw;
    return findDotSegment(target.substr(0, target.find('?')), offset);
}

bool isBelow(std::string_view target, std::string_view prefix) {
    if (!target.starts_with(prefix)) return false;
    return target.size() == prefix.size() || target[prefix.size()] == '/' || target[prefix.size()] == '?';
}

}  // namespace

Origin::Origin(bool secure, std::string name, std::uint16_t number)
    : tls(secure), host(std::move(name)), port(number) {}

void Origin::appendHostHeader(std::string& out) const {
    if (host.find(':') == std::string::npos)
        out.append(host);
    else
        out.append("[").append(host).append("]");
    if (port == (tls ? 443 : 80)) return;
    char digits[8];
    out.append(":").append(digits, std::to_chars(digits, digits + sizeof digits, port).ptr);
}

std::string Origin::hostHeader() const {
    std::string text;
    appendHostHeader(text);
    return text;
}

std::string Origin::toString() const { return (tls ? "https://" : "http://") + hostHeader(); }

bool Origin::isIpLiteral() const {
    return host.find(':') != std::string::npos || urls::parse_ipv4_address(host).has_value();
}

ApiBase::ApiBase(Origin where, std::string prefix) : origin(std::move(where)), pathPrefix(std::move(prefix)) {}

ResolvedTarget::ResolvedTarget(Origin where, std::string what) : origin(std::move(where)), target(std::move(what)) {}

result<ApiBase> parseApiBase(std::string_view optionName, std::string_view url, bool allowPlainHttpToLoopback) {
    const auto refuse = [optionName](const std::string& why) {
        return Failure(Errc::invalid_argument,
                       std::string(optionName) + " " + why + "; it wants https://host[:port][/path]");
    };
    if (const auto flaw = findBadCharacter(url, 0, false))
        return refuse(std::string("has ") + flaw->what + " at offset " + std::to_string(flaw->offset));
    SplitUrl split = splitUrl(url);
    if (split.flaw) return refuse(split.flaw);
    if (!split.origin.tls && !(allowPlainHttpToLoopback && split.loopback))
        return refuse(split.loopback ? "is plain http, and allowPlainHttpToLoopback is not set"
                                     : "is plain http, which is for 127.0.0.0/8, ::1 and localhost only");
    std::string_view path = split.target;
    if (path.find('?') != path.npos) return refuse("has a query");
    if (path.ends_with('/')) path.remove_suffix(1);
    if (!path.empty())
        if (const auto flaw = findFlaw(path, 0)) return refuse(std::string("has ") + flaw->what + " in its path");
    if (path.ends_with('/')) return refuse("ends with two slashes");
    return ApiBase(std::move(split.origin), std::string(path));
}

result<ResolvedTarget> resolveTarget(std::string_view target, const ApiBase& relativeTo,
                                     std::span<const ApiBase> allowed) {
    if (target.empty()) return Failure(Errc::invalid_target, "request target: is empty");
    if (target[0] == '/') {
        if (const auto flaw = findFlaw(target, 0)) return badTarget(*flaw);
        return ResolvedTarget(relativeTo.origin, std::string(relativeTo.pathPrefix).append(target));
    }
    if (const auto flaw = findBadCharacter(target, 0, false)) return badTarget(*flaw);
    SplitUrl split = splitUrl(target);
    if (split.flaw)
        return Failure(Errc::invalid_target,
                       "request target: does not start with \"/\" and " + std::string(split.flaw));
    std::string path(split.target);
    if (path.empty() || path[0] == '?') path.insert(path.begin(), '/');
    if (const auto flaw = findFlaw(path, target.size() - split.target.size())) return badTarget(*flaw);
    for (const ApiBase& base : allowed)
        if (base.origin == split.origin && isBelow(path, base.pathPrefix))
            return ResolvedTarget(std::move(split.origin), std::move(path));
    return Failure(Errc::invalid_target, "request target: is an absolute URL that is not below apiUrl or edgeUrl");
}

std::optional<ResolvedTarget> resolveLocation(std::string_view location, const Origin& from, std::string_view target) {
    location = location.substr(0, location.find('#'));
    if (findBadCharacter(location, 0, false)) return std::nullopt;
    ResolvedTarget resolved(from, std::string());
    std::string url;
    if (location.starts_with("//")) {
        url.append(from.tls ? "https:" : "http:").append(location);
        location = url;
    }
    const std::size_t delimiter = std::min(location.find_first_of(":/?"), location.size());
    if (delimiter < location.size() && location[delimiter] == ':') {
        SplitUrl split = splitUrl(location);
        if (split.flaw || (!split.origin.tls && (from.tls || !split.loopback))) return std::nullopt;
        resolved.origin = std::move(split.origin);
        resolved.target = split.target;
        if (!resolved.target.starts_with('/')) resolved.target.insert(0, 1, '/');
    } else {
        const std::string_view path = target.substr(0, target.find('?'));
        if (location.empty())
            resolved.target = target;
        else if (location.starts_with('?'))
            resolved.target.append(path).append(location);
        else if (location.starts_with('/'))
            resolved.target = location;
        else
            resolved.target.append(path.substr(0, path.rfind('/') + 1)).append(location);
    }
    resolved.target = withoutDotSegments(resolved.target);
    if (findFlaw(resolved.target, 0)) return std::nullopt;
    return resolved;
}

}  // namespace wix::detail
