// Which options are well-formed. Pure. A failure says which option and what it wants, and never repeats a value:
// Errc::invalid_argument, for headers Errc::invalid_header, for tokens Errc::invalid_token.
#pragma once

#include <chrono>
#include <optional>

#include <wix/error.hpp>
#include <wix/options.hpp>

namespace wix::detail {

std::optional<Failure> checkOptions(const ClientOptions& options);
std::optional<Failure> checkOptions(const TransportOptions& options);
std::optional<Failure> checkCallTimeout(std::chrono::milliseconds timeout);
std::optional<Failure> checkDrainTime(std::chrono::milliseconds drain);
std::optional<Failure> checkStrategy(const OAuthStrategy& strategy);

/// Errc::invalid_token if a token could not be sent. `where` names it; the value is never repeated.
std::optional<Failure> checkTokens(const Tokens& tokens, const char* where);

}  // namespace wix::detail
