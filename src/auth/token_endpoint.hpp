// The codec of POST /oauth2/token, and what its answers mean. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <wix/error.hpp>

#include "base/clock.hpp"
#include "http/http_reply.hpp"

namespace wix::detail {

/// What is asked for.
enum class Grant {
    anonymous,     ///< A new visitor.
    refreshToken,  ///< A new access token of the same session.
};

/// The body of the request, as the JavaScript SDK sends it.
std::string tokenRequestBody(Grant grant, const std::string& clientId, const std::string& refreshToken);

enum class TokenVerdict {
    granted,        ///< Here is a token.
    transient,      ///< Not now: says nothing about the session. Everything that is not one of the others.
    lost,           ///< As transient, and the endpoint may have rotated the refresh token: worth one prompt replay.
    ambiguous,      ///< A JSON error that may mean "rejected": ambiguous_refusal.hpp decides.
    rejected,       ///< `invalid_grant`: this refresh token is dead.
    misconfigured,  ///< The client id or the request is wrong: says nothing about the session.
};

/// The meaning of an answer, or of its absence.
struct TokenAnswer {
    TokenAnswer() = default;
    TokenVerdict verdict = TokenVerdict::transient;
    std::string accessToken;                              ///< If granted.
    std::string refreshToken;                             ///< If granted, and the answer has one: it was rotated.
    std::chrono::seconds expiresIn{0};                    ///< If granted.
    std::optional<WallTime> date;                         ///< If granted: what the endpoint's clock shows.
    Failure failure;                                      ///< If not. Its maybeSent is false: see noTokenAnswer().
    int status = 0;                                       ///< If ambiguous: the status of the response,
    std::string errorCode;                                ///< and its code in lower case, with `_` for `-`.
    std::optional<std::chrono::milliseconds> retryAfter;  ///< If not, and the answer says so.
};

/// Reads an answer. `wallNow` is for a Retry-After date.
TokenAnswer readTokenAnswer(const HttpReply& reply, WallTime wallNow);

/// What it means that there is no answer: `failure.maybeSent` tells whether the request had left. The failure of the
/// result does not: callers read it as a statement about their own request, which has not been sent.
TokenAnswer noTokenAnswer(Failure failure);

}  // namespace wix::detail
