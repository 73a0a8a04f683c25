// What an API's error body says. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <wix/error.hpp>

namespace wix::detail {

/// Maximum size of an error body that is read, in bytes.
inline constexpr std::size_t maxErrorBody = std::size_t{64} << 10;

/// Reads an error body in any of the forms that Wix is known to send: `details.applicationError`,
/// `details.validationError`, `error` with `error_description`, `errorCode`, `errorDescription`, `message`. A body that is
/// not JSON, or larger than maxErrorBody, gives the status alone: a gateway's page is no description.
ApiErrorBody readApiError(int status, std::string_view body, std::string_view requestId);

/// Some APIs answer 400 with the code `WDE0117` where the token has expired.
bool meansExpiredToken(int status, std::string_view body) noexcept;

}  // namespace wix::detail
