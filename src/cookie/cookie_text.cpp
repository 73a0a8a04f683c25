#include "cookie/cookie_text.hpp"

#include <algorithm>

#include "http/header_rules.hpp"

namespace wix::detail {
namespace {

constexpr std::chrono::seconds longest = std::chrono::hours(24) * 400;
constexpr std::size_t longestName = 128;
constexpr std::size_t longestAttribute = 1024;  // of one attribute; browsers pass over longer ones

Failure wants(const char* option, const char* what) {
    return Failure(Errc::invalid_argument, std::string("CookieOptions::") + option + " must be " + what);
}

/// Browsers compare these prefixes without case.
bool hasPrefix(std::string_view name, std::string_view prefix) {
    return equalsIgnoreCase(name.substr(0, prefix.size()), prefix);
}

bool isPath(std::string_view path) {
    return path.starts_with('/') && path.size() <= longestAttribute &&
           std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c <= '~' && c != ';'; });
}

bool isLabelChar(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

bool isHostName(std::string_view name) {
    if (name.size() > 253) return false;
    for (;;) {
        const std::string_view label = name.substr(0, name.find('.'));
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
            !std::all_of(label.begin(), label.end(), isLabelChar))
            return false;
        if (label.size() == name.size()) return true;
        name.remove_prefix(label.size() + 1);
    }
}

std::string_view nameOf(SameSite sameSite) {
    switch (sameSite) {
        case SameSite::strict:
            return "Strict";
        case SameSite::lax:
            return "Lax";
        case SameSite::none:
            return "None";
    }
    return "Strict";
}

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view space = " \t";
    const std::size_t first = text.find_first_not_of(space);
    if (first == text.npos) return std::string_view();
    return text.substr(first, text.find_last_not_of(space) - first + 1);
}

}  // namespace

std::optional<Failure> checkCookieOptions(const CookieOptions& options) {
    if (!isToken(options.name) || options.name.size() > longestName)
        return wants("name", "1 to 128 letters, digits and characters of !#$%&'*+-.^_`|~");
    if (!isPath(options.path))
        return wants("path", "a path that begins with \"/\": visible ASCII without \";\", at most 1024 characters");
    if (!options.domain.empty() && !isHostName(options.domain))
        return wants("domain", "empty, or a host name without a dot before it");
    const bool host = hasPrefix(options.name, "__Host-");
    if (!options.secure && (host || hasPrefix(options.name, "__Secure-")))
        return wants("secure", "true for a name that begins with __Host- or __Secure-: browsers drop it otherwise");
    if (host && options.path != "/")
        return wants("path", "\"/\" for a name that begins with __Host-: browsers drop it otherwise");
    if (host && !options.domain.empty())
        return wants("domain", "empty for a name that begins with __Host-: browsers drop it otherwise");
    if (!options.secure && options.sameSite == SameSite::none)
        return wants("secure", "true with SameSite::none: browsers drop it otherwise");
    if (options.maxAge < std::chrono::seconds(1) || options.maxAge > longest) return wants("maxAge", "1 s to 400 days");
    return std::nullopt;
}

bool isCookieValue(std::string_view value) noexcept {
    return std::all_of(value.begin(), value.end(),
                       [](char c) { return c > ' ' && c <= '~' && c != '"' && c != ',' && c != ';' && c != '\\'; });
}

std::string writeSetCookie(const CookieOptions& options, std::string_view value, std::chrono::seconds maxAge) {
    std::string text = options.name + "=";
    text += value;
    text += "; Path=" + options.path;
    if (!options.domain.empty()) text += "; Domain=" + options.domain;
    text += "; Max-Age=" + std::to_string(maxAge.count());
    if (options.secure) text += "; Secure";
    if (options.httpOnly) text += "; HttpOnly";
    text += "; SameSite=";
    text += nameOf(options.sameSite);
    return text;
}

std::optional<std::string_view> takeCookie(std::string_view& header, std::string_view name) noexcept {
    while (!header.empty()) {
        const std::string_view pair = header.substr(0, header.find(';'));
        header.remove_prefix(std::min(pair.size() + 1, header.size()));
        const std::size_t equals = pair.find('=');
        if (equals == pair.npos || trimmed(pair.substr(0, equals)) != name) continue;
        std::string_view value = trimmed(pair.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
        return value;
    }
    return std::nullopt;
}

}  // namespace wix::detail
