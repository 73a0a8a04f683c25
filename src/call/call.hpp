// One API call: what it has between its steps, and the steps that need no waiting. call_runner.hpp takes them.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string_view>

#include <wix/options.hpp>

#include "auth/token_manager.hpp"
#include "call/call_report.hpp"
#include "call/call_state.hpp"
#include "call/consistency.hpp"
#include "http/transport_interface.hpp"

namespace wix::detail {

class WatchedSink;

/// What a call of a session needs. All of it outlives the call.
struct CallEnvironment {
    CallEnvironment() = default;
    TokenManager* tokens = nullptr;
    TransportInterface* transport = nullptr;
    Consistency* consistency = nullptr;
    const Origin* tokenOrigin = nullptr;  ///< Where the token endpoint is.
    const Clock* clock = &Clock::system();
    RetryOptions retry;
};

class Call {
public:
    /// Sends `first` with the visitor's authorization, and again as CallState decides; follows so many redirects. `limits`
    /// hold for all of it, the wait for a token included.
    Call(const CallEnvironment& environment, std::shared_ptr<WireRequest> first, WaitLimits limits,
         int maxRedirects = 0);
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    const WaitLimits& limits() const noexcept { return limits_; }
    TokenManager& tokens() const noexcept { return *environment_.tokens; }
    /// A failure in the child of a fork.
    result<HttpReply> checkProcess() const;
    /// While a token is waited for.
    void openAhead();

    /// The token of the next request; null: wait for one.
    const SnapshotPtr& token();
    void setToken(SnapshotPtr token) noexcept { token_ = std::move(token); }
    /// The next request repeats the last one with the token that has replaced the refused one.
    void replayWith(SnapshotPtr token);
    /// Whether the next request has the token that it needs: it needs none away from where the token is for.
    bool hasToken() { return !atHome_ || token(); }

    boost::asio::awaitable<result<HttpReply>> send();
    CallDecision decide(const result<HttpReply>& reply);
    /// After CallDecision::Action::follow.
    void follow();

    void retried(const result<HttpReply>& outcome, const CallDecision& decision) noexcept;
    /// The call ends with `outcome`.
    void end(result<HttpReply>& outcome, std::string_view reason);
    /// The call ends with the exception that is being handled.
    void threw() noexcept { report_.threw(*request_); }

private:
    RetryQuotas& quotas() const { return environment_.transport->retryQuotas(); }
    bool bodyIsThere() { return !request_->source || request_->source->rewind(); }
    CallDecision byState(const result<HttpReply>& reply);
    CallDecision decideRedirect(const HttpReply& reply);
    std::chrono::milliseconds timeLeft() const;

    const CallEnvironment environment_;
    WaitLimits limits_;
    std::shared_ptr<WireRequest> request_;  // nobody else changes it, and we do only between two requests
    std::shared_ptr<WireRequest> redirect_;
    std::shared_ptr<WatchedSink> sink_;
    CallState state_;
    CallReport report_;
    SnapshotPtr token_;
    std::shared_ptr<void> ahead_;  // to the end: a connection that comes too late for this request serves the next
    int maxRedirects_;
    int redirects_ = 0;
    bool atHome_ = true;
};

}  // namespace wix::detail
