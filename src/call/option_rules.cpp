#include "call/option_rules.hpp"

#include <algorithm>
#include <string>

#include "http/header_rules.hpp"

namespace wix::detail {
namespace {

Failure wants(std::string option, std::string_view what) {
    return Failure(Errc::invalid_argument, std::move(option) + " must be " + std::string(what));
}

/// Whatever is added to a clock has a bound: milliseconds::max(), meant as "no limit", would overflow.
constexpr std::chrono::milliseconds longest = std::chrono::hours(24);

std::optional<Failure> checkTimeout(const char* option, std::chrono::milliseconds value) {
    if (value > std::chrono::milliseconds(0) && value <= longest) return std::nullopt;
    return wants(option, "more than 0 and at most 24 h");
}

std::optional<Failure> checkTimeouts(const Timeouts& timeouts) {
    if (auto bad = checkTimeout("Timeouts::resolve", timeouts.resolve)) return bad;
    if (auto bad = checkTimeout("Timeouts::connect", timeouts.connect)) return bad;
    if (auto bad = checkTimeout("Timeouts::tls", timeouts.tls)) return bad;
    if (auto bad = checkTimeout("Timeouts::write", timeouts.write)) return bad;
    if (auto bad = checkTimeout("Timeouts::firstByte", timeouts.firstByte)) return bad;
    if (auto bad = checkTimeout("Timeouts::stall", timeouts.stall)) return bad;
    if (timeouts.stallBytes < 1 || timeouts.stallBytes > (std::size_t{1} << 20))
        return wants("Timeouts::stallBytes", "1 byte to 1 MiB");
    if (auto bad = checkTimeout("Timeouts::call", timeouts.call)) return bad;
    if (auto bad = checkTimeout("Timeouts::tokenExchange", timeouts.tokenExchange)) return bad;
    return checkTimeout("Timeouts::storage", timeouts.storage);
}

bool hasControlCharacter(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7F'; });
}

/// A name, an IPv4 address, or an IPv6 address with or without brackets.
bool looksLikeHost(std::string_view host) {
    return host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("-._:[]").find(c) != std::string_view::npos;
           });
}

/// The credentials go into a header (RFC 7617 2); what cannot go there is told now, and not shown.
std::optional<Failure> checkProxy(const ProxyOptions& proxy) {
    if (!looksLikeHost(proxy.host)) return wants("ProxyOptions::host", "a host name or an address, without a port");
    if (proxy.port == 0) return wants("ProxyOptions::port", "1 to 65535");
    if (hasControlCharacter(proxy.username) || proxy.username.find(':') != std::string::npos ||
        proxy.username.size() > 1024)
        return wants("ProxyOptions::username", "without a colon and control characters, at most 1024 characters");
    if (hasControlCharacter(proxy.password) || proxy.password.size() > 1024)
        return wants("ProxyOptions::password", "without control characters, at most 1024 characters");
    if (proxy.username.empty() && !proxy.password.empty())
        return wants("ProxyOptions::username", "set if there is a password");
    return std::nullopt;
}

/// 32 bytes in base64: 43 characters and a `=`, the last of them with two bits that are zero.
bool isPin(std::string_view pin) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (pin.starts_with("sha256/")) pin.remove_prefix(7);
    if (pin.size() != 44 || pin[43] != '=') return false;
    const auto isDigit = [digits](char c) { return digits.find(c) != std::string_view::npos; };
    return std::all_of(pin.begin(), pin.end() - 1, isDigit) && digits.find(pin[42]) % 4 == 0;
}

std::optional<Failure> checkTls(const TlsOptions& tls) {
    if (tls.clientCertificateFile.empty() != tls.clientKeyFile.empty())
        return wants("TlsOptions::clientCertificateFile", "given together with clientKeyFile, or neither");
    if (!std::all_of(tls.pins.begin(), tls.pins.end(), isPin))
        return wants("TlsOptions::pins", "the base64 of 32 bytes each, with or without sha256/ before it");
    return std::nullopt;
}

std::optional<Failure> checkHeadersOf(const char* option, const Headers& headers) {
    auto failure = checkCallerHeaders(headers);
    if (failure) failure->context = std::string(option) + ": " + failure->context;
    return failure;
}

}  // namespace

std::optional<Failure> checkOptions(const ClientOptions& options) {
    if (auto bad = checkTimeouts(options.timeouts)) return bad;
    if (options.retry.maxAttempts < 1 || options.retry.maxAttempts > 10)
        return wants("RetryOptions::maxAttempts", "1 to 10");
    if (options.retry.firstDelay < std::chrono::milliseconds(0) || options.retry.maxDelay < options.retry.firstDelay ||
        options.retry.maxDelay > longest)
        return wants("RetryOptions::firstDelay", "0 to maxDelay, which is at most 24 h");
    if (options.maxResponseBytes == 0 || options.maxResponseBytes > (std::size_t{1} << 31))
        return wants("ClientOptions::maxResponseBytes", "1 byte to 2 GiB");
    if (options.maxHeaderBytes < 1024 || options.maxHeaderBytes > (std::size_t{1} << 24))
        return wants("ClientOptions::maxHeaderBytes", "1 KiB to 16 MiB");
    return checkHeadersOf("ClientOptions::headers", options.headers);
}

std::optional<Failure> checkOptions(const TransportOptions& options) {
    if (options.maxConnectionsPerOrigin < 1 || options.maxConnectionsPerOrigin > 65'535)
        return wants("TransportOptions::maxConnectionsPerOrigin", "1 to 65535");
    if (options.maxConnections < 1 || options.maxConnections > 65'535)
        return wants("TransportOptions::maxConnections", "1 to 65535");
    if (options.maxIdlePerOrigin > 65'535) return wants("TransportOptions::maxIdlePerOrigin", "0 (no reuse) to 65535");
    if (options.maxIdleTime < std::chrono::milliseconds(0) || options.maxIdleTime > longest)
        return wants("TransportOptions::maxIdleTime", "0 (no reuse) to 24 h");
    if (auto bad = checkTimeout("TransportOptions::maxConnectionAge", options.maxConnectionAge)) return bad;
    if (options.retryReserve > 1'000'000) return wants("TransportOptions::retryReserve", "0 to 1000000");
    if (options.retryPercent < 0 || options.retryPercent > 100)
        return wants("TransportOptions::retryPercent", "0 to 100");
    if (auto bad = checkProxy(options.proxy)) return bad;
    return checkTls(options.tls);
}

std::optional<Failure> checkCallTimeout(std::chrono::milliseconds timeout) {
    return checkTimeout("CallOptions::timeout", timeout);
}

std::optional<Failure> checkMaxRedirects(int count) {
    if (count >= 0 && count <= 20) return std::nullopt;
    return wants("CallOptions::maxRedirects", "0 to 20");
}

std::optional<Failure> checkStrategy(const OAuthStrategy& strategy) {
    if (strategy.clientId.empty() || strategy.clientId.size() > 256 || !isSafeTokenValue(strategy.clientId))
        return wants("OAuthStrategy::clientId",
                     "the client id from the site's Headless settings: visible ASCII without spaces");
    if (strategy.sessionKey.size() > 1024 || (!strategy.sessionKey.empty() && !isSafeTokenValue(strategy.sessionKey)))
        return wants("OAuthStrategy::sessionKey", "visible ASCII without spaces, at most 1024 characters");
    const RenewalWindows& windows = strategy.windows;
    if (windows.mandatory < std::chrono::seconds(1) || windows.mandatory > std::chrono::minutes(5))
        return wants("RenewalWindows::mandatory", "1 s to 5 min");
    if (windows.advisoryMin < std::chrono::seconds(1) || windows.advisoryMax < windows.advisoryMin ||
        windows.advisoryMax > std::chrono::hours(1))
        return wants("RenewalWindows::advisoryMin", "at least 1 s and at most advisoryMax, which is at most 1 h");
    if (auto bad = checkHeadersOf("OAuthStrategy::tokenRequestHeaders", strategy.tokenRequestHeaders)) return bad;
    return checkTokens(strategy.tokens, "OAuthStrategy::tokens");
}

std::optional<Failure> checkTokens(const Tokens& tokens, const char* where) {
    const auto check = [where](const std::string& value, const char* which) -> std::optional<Failure> {
        if (value.empty() || isSafeTokenValue(value)) return std::nullopt;
        const char* tooLong = value.size() > maxTokenValue ? ": it is longer than 64 KB" : "";
        return Failure(Errc::invalid_token, std::string(where) + which + tooLong);
    };
    if (auto bad = check(tokens.accessToken.value, ", the access token")) return bad;
    return check(tokens.refreshToken.value, ", the refresh token");
}

}  // namespace wix::detail
