#include "call/call_state.hpp"

#include <algorithm>

#include "base/backoff.hpp"
#include "http/header_lookup.hpp"

namespace wix::detail {
namespace {

using Action = CallDecision::Action;

bool isPassing(int status) noexcept {
    return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/// Sent again once at most: the server was not ready for it, or not the one to ask.
bool wantsResend(int status) noexcept { return status == 408 || status == 421 || status == 425; }

/// Refused before it was processed, by definition and whatever the method: misdirected, too early, over a limit with a
/// date.
bool isUnprocessed(const ReplyFacts& reply) noexcept {
    return reply.status == 421 || reply.status == 425 || (reply.status == 429 && reply.retryAfter);
}

bool isConnectionFault(const boost::system::error_code& code) noexcept {
    return code == Errc::connection_lost || code == Errc::connection_refused || code == Errc::network_unreachable ||
           code == Errc::timeout || code == Errc::response_truncated || code == Errc::name_unavailable ||
           code == Errc::proxy_failed;
}

}  // namespace

CallDecision CallDecision::withoutBody() const {
    if (action == Action::renew)
        return CallDecision(Action::renewOnly, "the token was refused, and the body cannot be given again");
    if (action == Action::wait) return CallDecision(Action::finish, "the body cannot be given again");
    return *this;
}

CallDecision CallDecision::quotaIsEmpty() { return CallDecision(Action::finish, "retry quota is empty"); }

CallDecision CallState::replied(const ReplyFacts& reply, double random, std::chrono::milliseconds left) {
    if (reply.tokenExpired) {
        if (renewed_) return CallDecision(Action::finish, "the replay was refused too");
        renewed_ = true;
        return CallDecision(Action::renew, "the token was refused");
    }
    const bool unprocessed = isUnprocessed(reply);
    if (!unprocessed) maybeProcessed_ = true;
    if (!isPassing(reply.status) && !wantsResend(reply.status)) return CallDecision(Action::finish, "answered");
    if (!unprocessed && !idempotent_) return CallDecision(Action::finish, "a passing status, but not repeatable");
    if (wantsResend(reply.status)) return againOnce(reply.retryAfter, random, left);
    return again("a passing status", reply.retryAfter, random, left);
}

CallDecision CallState::failed(const Failure& failure, double random, std::chrono::milliseconds left) {
    if (failure.maybeSent) maybeProcessed_ = true;
    if (failure.maybeSent && !idempotent_) return CallDecision(Action::finish, "it may have been processed");
    if (!isConnectionFault(failure.code)) return CallDecision(Action::finish, "no retry cures this");
    return again("a connection fault", std::nullopt, random, left);
}

CallDecision CallState::againOnce(std::optional<std::chrono::milliseconds> retryAfter, double random,
                                  std::chrono::milliseconds left) {
    if (resent_) return CallDecision(Action::finish, "was sent again for such a status already");
    const CallDecision decision = again("a status that asks for one resend", retryAfter, random, left);
    resent_ = decision.action == Action::wait;
    return decision;
}

CallDecision CallState::again(std::string_view reason, std::optional<std::chrono::milliseconds> retryAfter,
                              double random, std::chrono::milliseconds left) {
    if (attempts_ >= retry_.maxAttempts) return CallDecision(Action::finish, "no attempts left");
    auto delay = fullJitter(attempts_, retry_.firstDelay, retry_.maxDelay, random);
    if (retryAfter) {
        if (*retryAfter > retry_.maxDelay) return CallDecision(Action::finish, "asked to wait too long");
        delay = std::max(delay, *retryAfter);
    }
    if (delay >= left) return CallDecision(Action::finish, "no time left");
    ++attempts_;
    return CallDecision(Action::wait, reason, delay);
}

bool isIdempotent(std::string_view method, std::string_view target) noexcept {
    if (method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE")
        return true;
    const std::string_view path = target.substr(0, target.find('?'));
    return method == "POST" && (path.ends_with("/query") || path.ends_with("/search"));
}

bool hasIdempotencyKey(const Headers& headers) noexcept {
    const auto key = findHeader(headers, "Idempotency-Key");
    return key && !key->empty();
}

}  // namespace wix::detail
