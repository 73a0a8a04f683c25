#include "http/proxy_rules.hpp"

#include <boost/asio/ip/address.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

namespace asio = boost::asio;

namespace wix::detail {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string lowerCase(std::string_view text) {
    std::string all(text);
    std::transform(all.begin(), all.end(), all.begin(), lower);
    return all;
}

bool hasControls(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto code = static_cast<unsigned char>(c);
        return code < 0x20 || code == 0x7F;
    });
}

std::optional<asio::ip::address> addressOf(const std::string& text) {
    boost::system::error_code ec;
    const auto address = asio::ip::make_address(text, ec);
    if (ec) return std::nullopt;
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    return address;
}

bool isLoopback(const std::string& host) {
    const auto address = addressOf(host);
    return address ? address->is_loopback() : lowerCase(host) == "localhost";
}

/// One entry of ProxyOptions::noProxy: what it names, and the port if it has one.
struct Entry {
    explicit Entry(std::string_view text) {
        const bool isBracketed = text.starts_with('[');
        const std::size_t colon = text.rfind(':');
        const bool hasPort = colon != text.npos && (isBracketed ? colon > text.find(']') : text.find(':') == colon);
        if (hasPort) {
            const char* end = text.data() + text.size();
            const auto [at, error] = std::from_chars(text.data() + colon + 1, end, port);
            if (error != std::errc() || at != end) return;
            text = text.substr(0, colon);
        }
        if (isBracketed && text.ends_with(']')) text = text.substr(1, text.size() - 2);
        if (text.starts_with("*.")) text.remove_prefix(2);
        if (text.starts_with('.')) text.remove_prefix(1);
        name = lowerCase(text);
    }
    std::string name;  // empty: it names nobody
    std::uint16_t port = 0;
};

bool names(const std::string& text, const Origin& origin) {
    const Entry entry(text);
    if (entry.name.empty() || (entry.port != 0 && entry.port != origin.port)) return false;
    if (entry.name == "*") return true;
    if (entry.name == "localhost") return isLoopback(origin.host);
    if (const auto address = addressOf(origin.host)) return addressOf(entry.name) == address;
    const std::string host = lowerCase(origin.host);
    if (host == entry.name) return true;
    return host.size() > entry.name.size() && host.ends_with(entry.name) &&
           host[host.size() - entry.name.size() - 1] == '.';
}

std::string base64(std::string_view text) {
    std::string encoded((text.size() + 2) / 3 * 4 + 1, '\0');  // and the zero that OpenSSL writes
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    encoded.resize(static_cast<std::size_t>(size));
    return encoded;
}

int hexValue(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char small = lower(c);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

std::optional<std::string> percentDecoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        if (i + 2 >= text.size() || hexValue(text[i + 1]) < 0 || hexValue(text[i + 2]) < 0) return std::nullopt;
        plain += static_cast<char>(hexValue(text[i + 1]) * 16 + hexValue(text[i + 2]));
        i += 2;
    }
    return plain;
}

/// Why these cannot be sent with Basic authentication (RFC 7617), or null.
const char* flawOf(const std::string& username, const std::string& password) {
    constexpr std::size_t longest = 1024;
    if (username.size() > longest || password.size() > longest) return "a user name and a password below 1 KiB";
    if (username.empty() && !password.empty()) return "a user name with its password";
    if (username.find(':') != username.npos) return "a user name without a colon";
    if (hasControls(username) || hasControls(password)) return "a user name and a password without control characters";
    return nullptr;
}

}  // namespace

std::optional<Failure> checkProxy(const ProxyOptions& proxy) {
    const auto wants = [](const char* option, const std::string& what) {
        return Failure(Errc::invalid_argument, "ProxyOptions::" + std::string(option) + " must be " + what);
    };
    if (proxy.host.empty()) {
        if (proxy.username.empty() && proxy.password.empty()) return std::nullopt;
        return wants("host", "set, since there is a user name or a password for it");
    }
    const bool isIpv6 = proxy.host.find(':') != std::string::npos;
    const auto parsed = parseApiBase("", "https://" + (isIpv6 ? "[" + proxy.host + "]" : proxy.host) + ":1", false);
    if (parsed.has_error() || !parsed->pathPrefix.empty() || parsed->origin.port != 1)
        return wants("host", "a host name or an address, without a scheme and a port");
    if (proxy.port == 0) return wants("port", "1 to 65535");
    if (const char* flaw = flawOf(proxy.username, proxy.password)) return wants("username and password", flaw);
    return std::nullopt;
}

bool goesThroughProxy(const ProxyOptions& proxy, const Origin& origin) {
    if (proxy.host.empty()) return false;
    return std::none_of(proxy.noProxy.begin(), proxy.noProxy.end(),
                        [&origin](const std::string& entry) { return names(entry, origin); });
}

std::string connectRequest(const ProxyOptions& proxy, const Origin& origin) {
    const bool isIpv6 = origin.host.find(':') != std::string::npos;
    const std::string target = (isIpv6 ? "[" + origin.host + "]" : origin.host) + ":" + std::to_string(origin.port);
    std::string head = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
    if (!proxy.username.empty())
        head += "Proxy-Authorization: Basic " + base64(proxy.username + ":" + proxy.password) + "\r\n";
    return head + "\r\n";
}

result<ProxyOptions> parseProxy(std::string_view variable, std::string_view value) {
    const auto refuse = [variable](const std::string& why) {
        return Failure(Errc::invalid_argument, "the environment variable " + std::string(variable) + " " + why +
                                                   "; it wants http://[user:password@]host[:port]");
    };
    ProxyOptions proxy;
    if (value.empty()) return proxy;
    if (const std::size_t at = value.find("://"); at != value.npos) {
        if (lowerCase(value.substr(0, at)) != "http") return refuse("names a proxy that does not speak plain HTTP");
        value.remove_prefix(at + 3);
    }
    if (value.ends_with('/')) value.remove_suffix(1);
    if (const std::size_t at = value.rfind('@'); at != value.npos) {
        const std::string_view user = value.substr(0, at);
        const std::size_t colon = std::min(user.find(':'), user.size());
        const auto username = percentDecoded(user.substr(0, colon));
        const auto password = percentDecoded(user.substr(std::min(colon + 1, user.size())));
        if (!username || !password) return refuse("has a malformed percent-escape before the \"@\"");
        if (const char* flaw = flawOf(*username, *password)) return refuse(std::string("must have ") + flaw);
        proxy.username = *username;
        proxy.password = *password;
        value.remove_prefix(at + 1);
    }
    const auto parsed = parseApiBase(variable, "https://" + std::string(value), false);
    if (parsed.has_error() || value.find('/') != value.npos) return refuse("has a malformed host or port, or a path");
    proxy.host = parsed->origin.host;
    const std::size_t colon = value.rfind(':');
    const bool hasPort = colon != value.npos && colon + 1 < value.size() && value.find(']', colon) == value.npos;
    if (hasPort) proxy.port = parsed->origin.port;
    return proxy;
}

std::vector<std::string> parseNoProxy(std::string_view value) {
    std::vector<std::string> entries;
    constexpr std::string_view between = ", \t";
    for (std::size_t begin = value.find_first_not_of(between); begin != value.npos;) {
        const std::size_t end = std::min(value.find_first_of(between, begin), value.size());
        entries.emplace_back(value.substr(begin, end - begin));
        begin = value.find_first_not_of(between, end);
    }
    return entries;
}

}  // namespace wix::detail
