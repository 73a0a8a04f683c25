#include "http/header_rules.hpp"

#include <algorithm>
#include <string>

namespace wix::detail {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool isTokenChar(char c) noexcept {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// 0x80 to 0xFF is legal "obs-text", but servers and proxies disagree about what it means: not sent.
bool isValueChar(char c) noexcept { return c == '\t' || (c >= ' ' && c <= '~'); }

}  // namespace

bool equalsIgnoreCase(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool isToken(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), isTokenChar);
}

std::optional<Failure> checkHeader(std::string_view name, std::string_view value) {
    if (!isToken(name))
        return Failure(Errc::invalid_header,
                       name.empty() ? "a header name is empty" : "a header name has a character that is not allowed");
    if (!std::all_of(value.begin(), value.end(), isValueChar))
        return Failure(Errc::invalid_header,
                       std::string(name) + ": the value has a character that is not printable ASCII");
    return std::nullopt;
}

bool isReserved(std::string_view name) noexcept {
    for (const std::string_view ours : std::initializer_list<std::string_view>{
             "Authorization", "Host", "Content-Length", "Connection", "Transfer-Encoding", consistencyHeader, "TE",
             "Trailer", "Upgrade", "HTTP2-Settings", "Expect", "Keep-Alive"})
        if (equalsIgnoreCase(name, ours)) return true;
    constexpr std::string_view proxy = "Proxy-";
    return equalsIgnoreCase(name.substr(0, proxy.size()), proxy);
}

std::optional<Failure> checkCallerHeaders(const Headers& headers) {
    for (const auto& [name, value] : headers) {
        if (auto failure = checkHeader(name, value)) return failure;
        if (isReserved(name)) return Failure(Errc::invalid_header, name + ": this header belongs to the SDK");
    }
    return std::nullopt;
}

std::optional<Failure> checkMethod(std::string_view method) {
    const auto isLowerCase = [](char c) { return c >= 'a' && c <= 'z'; };
    if (!isToken(method) || std::any_of(method.begin(), method.end(), isLowerCase))
        return Failure(Errc::invalid_argument, "method: wants an upper-case token such as GET");
    // CONNECT turns the connection into a tunnel, TRACE may answer with the request's own Authorization.
    if (method == "CONNECT" || method == "TRACE")
        return Failure(Errc::invalid_argument, "method: CONNECT and TRACE are not sent");
    return std::nullopt;
}

bool isSafeTokenValue(std::string_view text) noexcept {
    return !text.empty() && text.size() <= maxTokenValue &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace wix::detail
