// One API call: what follows from each answer. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include <wix/error.hpp>
#include <wix/options.hpp>

namespace wix::detail {

/// What is to be done, and why; the reason is static text, for observers and tests.
struct CallDecision {
    enum class Action {
        finish,     ///< Give the caller what there is.
        renew,      ///< Report the 401, then send again with the newer token; without a newer one, finish.
        renewOnly,  ///< Report the 401, and finish without waiting for what comes of it.
        wait,       ///< Pay from the retry quota, wait for `delay`, then send again.
        follow,     ///< Send the request that a redirect asks for. (Of redirect_rule.hpp.)
    };
    CallDecision(Action what, std::string_view why, std::chrono::milliseconds pause = std::chrono::milliseconds(0))
        : action(what), reason(why), delay(pause) {}

    /// Whether the body goes out once more.
    bool sendsAgain() const noexcept { return action == Action::renew || action == Action::wait; }
    /// The decision if it cannot be given a second time.
    CallDecision withoutBody() const;
    /// The decision if the retry quota is empty.
    static CallDecision quotaIsEmpty();

    Action action;
    std::string_view reason;
    std::chrono::milliseconds delay;
};

/// Of an answer, what matters here.
struct ReplyFacts {
    ReplyFacts() = default;
    int status = 0;
    bool tokenExpired = false;  ///< A 401, or what means the same, to a request that had a token.
    std::optional<std::chrono::milliseconds> retryAfter;
};

class CallState {
public:
    CallState(RetryOptions retry, bool idempotent) : retry_(retry), idempotent_(idempotent) {}

    /// `random` in [0, 1) is for the delay; `left` is the time until the call's deadline.
    CallDecision replied(const ReplyFacts& reply, double random, std::chrono::milliseconds left);
    CallDecision failed(const Failure& failure, double random, std::chrono::milliseconds left);
    /// The call goes on with another request. What has been used up stays so.
    void redirected(bool idempotent) noexcept {
        idempotent_ = idempotent;
        maybeProcessed_ = true;
    }

    /// Whether one of the requests so far may have been processed: a failure that ends the call says so, also if its
    /// own request never left.
    bool maybeProcessed() const noexcept { return maybeProcessed_; }

private:
    CallDecision againOnce(std::optional<std::chrono::milliseconds> retryAfter, double random,
                           std::chrono::milliseconds left);
    CallDecision again(std::string_view reason, std::optional<std::chrono::milliseconds> retryAfter, double random,
                       std::chrono::milliseconds left);

    RetryOptions retry_;
    bool idempotent_;
    int attempts_ = 1;
    bool renewed_ = false;
    bool resent_ = false;
    bool maybeProcessed_ = false;
};

/// Whether a request may be repeated although it may have been processed: by its method (RFC 9110 9.2.2), and Wix's
/// queries, which read by POST.
bool isIdempotent(std::string_view method, std::string_view target) noexcept;

/// Whether a caller's header says so: an `Idempotency-Key`, by which the server knows a repetition.
bool hasIdempotencyKey(const Headers& headers) noexcept;

}  // namespace wix::detail
