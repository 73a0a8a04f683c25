#include "redis/redis_url.hpp"

#include <boost/url/decode_view.hpp>
#include <boost/url/grammar/alnum_chars.hpp>
#include <boost/url/ipv6_address.hpp>
#include <boost/url/pct_string_view.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace urls = boost::urls;

namespace wix::detail {
namespace {

constexpr unsigned largestDatabase = 65'535;

Failure refuse(const char* why) {
    return Failure(Errc::invalid_argument,
                   std::string("the URL of Redis ") + why +
                       "; it must be redis://[[user]:password@]host[:port][/database], or rediss:// for TLS");
}

std::optional<std::string> percentDecoded(std::string_view text) {
    const auto checked = urls::make_pct_string_view(text);
    if (!checked) return std::nullopt;
    const urls::decode_view decoded(*checked);
    return std::string(decoded.begin(), decoded.end());
}

/// All of `text` as a number up to `largest`.
template <class Number>
std::optional<Number> numberIn(std::string_view text, Number largest) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number > largest) return std::nullopt;
    return number;
}

bool isHost(std::string_view text) {
    const auto isPart = [](char c) { return urls::grammar::alnum_chars(c) || c == '-' || c == '_' || c == '.'; };
    return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), isPart);
}

/// Null, or what is wrong.
const char* readScheme(std::string_view& rest, RedisUrl& url) {
    const std::size_t colon = rest.find("://");
    if (colon == rest.npos) return "is not an absolute URL";
    std::string scheme(rest.substr(0, colon));
    for (char& c : scheme)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    if (scheme != "redis" && scheme != "rediss") return "has another scheme than redis or rediss";
    url.tls = scheme == "rediss";
    rest.remove_prefix(colon + 3);
    return nullptr;
}

const char* readUser(std::string_view& authority, RedisUrl& url) {
    const std::size_t at = authority.rfind('@');
    if (at == authority.npos) return nullptr;
    const std::string_view who = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const std::size_t colon = who.find(':');
    if (colon == who.npos) return "has a user without a password (a password alone is written as :password@)";
    const auto user = percentDecoded(who.substr(0, colon));
    const auto password = percentDecoded(who.substr(colon + 1));
    if (!user || !password) return "has a malformed percent-escape in its user or password (% itself is %25)";
    if (!user->empty() && password->empty()) return "has a user without a password";
    url.user = *user;
    url.password = *password;
    return nullptr;
}

const char* readHostAndPort(std::string_view authority, RedisUrl& url) {
    std::string_view host = authority;
    std::optional<std::string_view> port;
    const std::size_t colon = authority.rfind(':');
    if (colon != authority.npos && authority.find(']', colon) == authority.npos) {
        host = authority.substr(0, colon);
        port = authority.substr(colon + 1);
    }
    if (host.starts_with('[') && host.ends_with(']')) {
        const auto address = urls::parse_ipv6_address(host.substr(1, host.size() - 2));
        if (!address) return "has a malformed IPv6 address";
        url.host = address->to_string();
    } else if (isHost(host)) {
        url.host = host;
    } else {
        return "has no host, or a malformed one (in a password / is %2F, ? is %3F, # is %23 and @ is %40)";
    }
    if (!port) return nullptr;
    const auto number = numberIn<std::uint16_t>(*port, 65'535);
    if (!number || *number == 0) return "has a port that is not between 1 and 65535";
    url.port = *number;
    return nullptr;
}

}  // namespace

std::string RedisUrl::where() const {
    return (host.find(':') == host.npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

result<RedisUrl> parseRedisUrl(std::string_view text) {
    RedisUrl url;
    if (const char* flaw = readScheme(text, url)) return refuse(flaw);
    std::string_view authority = text.substr(0, text.find_first_of("/?#"));
    std::string_view path = text.substr(authority.size());
    if (const char* flaw = readUser(authority, url)) return refuse(flaw);
    if (const char* flaw = readHostAndPort(authority, url)) return refuse(flaw);
    if (path.find_first_of("?#") != path.npos) return refuse("has a query or a fragment");
    if (path.starts_with('/')) path.remove_prefix(1);
    if (path.empty()) return url;
    const auto database = numberIn<unsigned>(path, largestDatabase);
    if (!database) return refuse("has a database that is no number, or is larger than 65535");
    url.database = *database;
    return url;
}

}  // namespace wix::detail
