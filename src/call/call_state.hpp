// One API call: what follows from each answer. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include <wix/error.hpp>
#include <wix/options.hpp>

namespace wix::detail {

/// What is to be done, and why; the reason is for logs and tests.
struct CallDecision {
    enum class Action {
        finish,  ///< Give the caller what there is.
        renew,   ///< Report the 401, then send again with the newer token; without a newer one, finish.
        wait,    ///< Wait for `delay`, then send again.
    };
    CallDecision(Action what, std::string_view why, std::chrono::milliseconds pause = std::chrono::milliseconds(0))
        : action(what), reason(why), delay(pause) {}
    Action action;
    std::string_view reason;
    std::chrono::milliseconds delay;
};

/// Of an answer, what matters here.
struct ReplyFacts {
    ReplyFacts() = default;
    int status = 0;
    bool tokenExpired = false;  ///< A 401, or what means the same.
    std::optional<std::chrono::milliseconds> retryAfter;
};

class CallState {
public:
    CallState(RetryOptions retry, bool idempotent) : retry_(retry), idempotent_(idempotent) {}

    /// `random` in [0, 1) is for the delay; `left` is the time until the call's deadline.
    CallDecision replied(const ReplyFacts& reply, double random, std::chrono::milliseconds left);
    CallDecision failed(const Failure& failure, double random, std::chrono::milliseconds left);

private:
    CallDecision again(std::string_view reason, std::optional<std::chrono::milliseconds> retryAfter, double random,
                       std::chrono::milliseconds left);

    RetryOptions retry_;
    bool idempotent_;
    int attempts_ = 1;
    bool renewed_ = false;
};

/// Whether a request may be repeated although it may have been processed: by its method (RFC 9110 9.2.2), and Wix's
/// queries, which read by POST.
bool isIdempotent(std::string_view method, std::string_view target) noexcept;

}  // namespace wix::detail
