#include "call/call_state.hpp"

#include <algorithm>

#include "base/backoff.hpp"

namespace wix::detail {
namespace {

using Action = CallDecision::Action;

bool isPassing(int status) noexcept {
    return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

}  // namespace

CallDecision CallState::replied(const ReplyFacts& reply, double random, std::chrono::milliseconds left) {
    if (reply.tokenExpired) {
        if (renewed_) return CallDecision(Action::finish, "the replay was refused too");
        renewed_ = true;
        return CallDecision(Action::renew, "the token was refused");
    }
    // Refused before it was processed, whatever the method: misdirected, too early, over a limit with a date.
    const bool unprocessed = reply.status == 421 || reply.status == 425 || (reply.status == 429 && reply.retryAfter);
    const bool passing = isPassing(reply.status) || reply.status == 408;
    if (unprocessed || (passing && idempotent_)) return again("a passing status", reply.retryAfter, random, left);
    return CallDecision(Action::finish, passing ? "a passing status, but not repeatable" : "answered");
}

CallDecision CallState::failed(const Failure& failure, double random, std::chrono::milliseconds left) {
    if (failure.maybeSent && !idempotent_) return CallDecision(Action::finish, "it may have been processed");
    const bool passing = failure.code == Errc::connection_lost || failure.code == Errc::connection_refused ||
                         failure.code == Errc::network_unreachable || failure.code == Errc::timeout ||
                         failure.code == Errc::response_truncated;
    if (!passing) return CallDecision(Action::finish, "no retry cures this");
    return again("a connection fault", std::nullopt, random, left);
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

}  // namespace wix::detail
