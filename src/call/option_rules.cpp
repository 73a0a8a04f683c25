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
    if (options.maxTokenRequests < 1 || options.maxTokenRequests > 65'535)
        return wants("TransportOptions::maxTokenRequests", "1 to 65535");
    if (options.maxIdlePerOrigin > 65'535) return wants("TransportOptions::maxIdlePerOrigin", "0 (no reuse) to 65535");
    if (options.maxIdleTime < std::chrono::milliseconds(0) || options.maxIdleTime > longest)
        return wants("TransportOptions::maxIdleTime", "0 (no reuse) to 24 h");
    if (auto bad = checkTimeout("TransportOptions::maxConnectionAge", options.maxConnectionAge)) return bad;
    if (options.retryReserve > 1'000'000) return wants("TransportOptions::retryReserve", "0 to 1000000");
    if (options.retryPercent < 0 || options.retryPercent > 100)
        return wants("TransportOptions::retryPercent", "0 to 100");
    return std::nullopt;
}

std::optional<Failure> checkCallTimeout(std::chrono::milliseconds timeout) {
    return checkTimeout("CallOptions::timeout", timeout);
}

std::optional<Failure> checkDrainTime(std::chrono::milliseconds drain) {
    if (drain >= std::chrono::milliseconds(0) && drain <= longest) return std::nullopt;
    return wants("close(drain)", "0 to 24 h");
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
