#include "http/split_url.hpp"

#include <boost/url/grammar/alnum_chars.hpp>
#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>

#include <algorithm>
#include <charconv>
#include <string>

namespace urls = boost::urls;

namespace wix::detail {
namespace {

std::string lowerCase(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return lower;
}

/// A name that resolvers and certificates agree about: `127.1` and `0x7f000001` are addresses to some resolvers.
bool isHostName(std::string_view host) {
    if (host.empty() || host.size() > 253) return false;
    std::string_view label;
    for (std::size_t begin = 0; begin <= host.size(); begin += label.size() + 1) {
        label = host.substr(begin, host.find('.', begin) - begin);
        if (label.empty() || label.size() > 63) return false;
        for (char c : label)
            if (!urls::grammar::alnum_chars(c) && c != '-' && c != '_') return false;
    }
    const bool digits = std::all_of(label.begin(), label.end(), [](char c) { return c >= '0' && c <= '9'; });
    return !digits && !label.starts_with("0x") && !label.starts_with("0X");
}

/// `host`, IPv4 or `[IPv6]`. False if it is none of them.
bool readHost(std::string_view text, SplitUrl& split) {
    if (text.starts_with('[')) {
        if (!text.ends_with(']')) return false;
        const auto address = urls::parse_ipv6_address(text.substr(1, text.size() - 2));
        if (!address) return false;
        split.origin.host = address->to_string();
        split.loopback = address->is_loopback();
        return true;
    }
    split.origin.host = lowerCase(text);
    if (const auto address = urls::parse_ipv4_address(text)) {
        split.loopback = address->is_loopback();
        return true;
    }
    split.loopback = split.origin.host == "localhost";
    return isHostName(split.origin.host);
}

}  // namespace

// Boost.URL 1.81 reads "https://host:x" as host and path "x", and "https://127.0.0.1.example" as an address and a path.
// So the authority is cut out here, and all of it must be understood.
SplitUrl splitUrl(std::string_view text) {
    SplitUrl split;
    const auto refuse = [&split](const char* why) {
        split.flaw = why;
        return split;
    };
    const std::size_t colon = text.find(':');
    if (colon == text.npos || text.find_first_of("/?") < colon) return refuse("is not an absolute URL");
    const std::string scheme = lowerCase(text.substr(0, colon));
    if (scheme != "https" && scheme != "http") return refuse("has another scheme than https");
    text.remove_prefix(colon + 1);
    if (!text.starts_with("//")) return refuse("has no host");
    text.remove_prefix(2);
    std::string_view authority = text.substr(0, text.find_first_of("/?"));
    split.target = text.substr(authority.size());
    if (authority.find('@') != authority.npos) return refuse("has a user name or password");

    split.origin.tls = scheme == "https";
    split.origin.port = split.origin.tls ? 443 : 80;
    const std::size_t portColon = authority.rfind(':');
    if (portColon != authority.npos && authority.find(']', portColon) == authority.npos) {
        const std::string_view digits = authority.substr(portColon + 1);
        authority = authority.substr(0, portColon);
        if (!digits.empty()) {
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), split.origin.port);
            if (error != std::errc() || end != digits.data() + digits.size() || split.origin.port == 0)
                return refuse("has a port that is not between 1 and 65535");
        }
    }
    if (!readHost(authority, split)) return refuse("has a malformed host");
    return split;
}

}  // namespace wix::detail
