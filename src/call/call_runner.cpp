#include "call/call_runner.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>

#include "base/backoff.hpp"
#include "call/api_error.hpp"
#include "call/call_report.hpp"
#include "call/call_state.hpp"
#include "call/redirect_rule.hpp"
#include "call/watched_sink.hpp"
#include "call/watched_source.hpp"
#include "http/header_lookup.hpp"

namespace asio = boost::asio;

namespace wix::detail {
namespace {

/// A pause between two attempts. Ends early only with a failure.
class Pause final : public HomeOperation<std::optional<Failure>> {
public:
    Pause(const asio::any_io_executor& executor, std::chrono::milliseconds delay, WaitLimits limits)
        : HomeOperation(asio::make_strand(executor), std::move(limits)), delay_(delay) {}

    void contextGone() noexcept override {
        timer_.reset();
        HomeOperation::contextGone();
    }

private:
    void onStart() override {
        timer_.emplace(home(), delay_);
        // The timer's handler owns the pause: nobody else does.
        timer_->async_wait([self = std::static_pointer_cast<Pause>(shared_from_this())](
                               const boost::system::error_code&) { self->finish(std::nullopt); });
    }
    void onStop(StopReason why) override {
        timer_.reset();
        finish(stopFailure(why, "waiting to try again"));
    }

    std::optional<MonotonicTimer> timer_;
    std::chrono::milliseconds delay_;
};

/// What a server sends goes out again with the next request: it passes the same rules as a caller's header.
void learnConsistency(Consistency& consistency, const HttpReply& reply, std::uint64_t epoch) {
    const auto value = findHeader(reply.headers, consistencyHeader);
    if (value && !value->empty() && value->size() <= 8192 && !checkHeader(consistencyHeader, *value))
        consistency.learn(epoch, *value);
}

ReplyFacts factsOf(const HttpReply& reply, const Clock& clock) {
    ReplyFacts facts;
    facts.status = reply.status;
    facts.tokenExpired = meansExpiredToken(reply.status, reply.body);
    if (const auto after = findHeader(reply.headers, "retry-after")) {
        // A date is read against the answer's own, whatever this machine's clock shows.
        const auto date = findHeader(reply.headers, "date");
        facts.retryAfter = parseRetryAfter(*after, (date ? parseHttpDate(*date) : std::nullopt).value_or(clock.wall()));
    }
    return facts;
}

/// What a call has between its steps, and the steps that need no waiting.
class Call {
public:
    Call(const CallEnvironment& environment, std::shared_ptr<WireRequest> first, WaitLimits limits, int redirects)
        : environment_(environment),
          limits_(std::move(limits)),
          request_(std::move(first)),
          state_(environment_.retry, request_->idempotent),
          report_(request_->observer),
          maxRedirects_(redirects) {
        if (request_->source) request_->source = std::make_shared<WatchedSource>(std::move(request_->source));
        if (request_->sink) request_->sink = sink_ = std::make_shared<WatchedSink>(std::move(request_->sink));
        quotas().callBegins(request_->origin);
    }

    const WaitLimits& limits() const noexcept { return limits_; }
    /// While a token is waited for.
    void openAhead() {
        if (request_->origin != *environment_.tokenOrigin) ahead_ = environment_.transport->openAhead(*request_);
    }
    TokenManager& tokens() const noexcept { return *environment_.tokens; }
    /// A failure in the child of a fork.
    result<HttpReply> checkProcess() const {
        if (auto forked = environment_.transport->checkProcess()) return std::move(*forked);
        return HttpReply();
    }

    /// The token of the next request; null: wait for one.
    const SnapshotPtr& token() {
        if (!token_) token_ = tokens().fresh();
        return token_;
    }
    void setToken(SnapshotPtr token) noexcept { token_ = std::move(token); }
    /// Whether the next request has the token that it needs: it needs none away from where the token is for.
    bool hasToken() { return !atHome_ || token(); }

    asio::awaitable<result<HttpReply>> send() {
        request_->attempt = report_.sending();
        request_->authorization.reset();
        request_->consistency.clear();
        if (atHome_) {
            request_->authorization = std::shared_ptr<const std::string>(token_, &token_->tokens.accessToken.value);
            request_->consistency = environment_.consistency->valueFor(token_->epoch);
        }
        return environment_.transport->send(request_, limits_);
    }

    CallDecision decide(const result<HttpReply>& reply) {
        if (reply.has_value() && atHome_) learnConsistency(*environment_.consistency, *reply, token_->epoch);
        if (maxRedirects_ > 0 && reply.has_value() && isRedirect(reply->status)) return decideRedirect(*reply);
        const CallDecision decision = byState(reply);
        if (decision.sendsAgain() && sink_ && sink_->isTouched())
            return CallDecision(CallDecision::Action::finish, "the sink has had a part of the answer");
        if (decision.sendsAgain() && !bodyIsThere()) return decision.withoutBody();
        if (decision.action != CallDecision::Action::wait || quotas().takeRetry(request_->origin)) return decision;
        return CallDecision::quotaIsEmpty();
    }
    /// After CallDecision::Action::follow.
    void follow() {
        request_ = std::move(redirect_);
        token_.reset();
        quotas().callBegins(request_->origin);
        state_.redirected(request_->idempotent);
    }

    void retried(const result<HttpReply>& outcome, const CallDecision& decision) noexcept {
        report_.retried(*request_, outcome, decision.reason, decision.delay);
    }
    /// The call ends with `outcome`.
    void end(result<HttpReply>& outcome, std::string_view reason) {
        if (outcome.has_error() && state_.maybeProcessed()) {
            Failure failure = outcome.error();
            failure.maybeSent = true;
            outcome = std::move(failure);
        }
        report_.finished(*request_, outcome, reason);
    }
    void threw() noexcept { report_.threw(*request_); }

private:
    RetryQuotas& quotas() const { return environment_.transport->retryQuotas(); }
    bool bodyIsThere() { return !request_->source || request_->source->rewind(); }

    CallDecision byState(const result<HttpReply>& reply) {
        const Clock& clock = *environment_.clock;
        if (reply.has_error()) return state_.failed(reply.error(), clock.random(), timeLeft());
        ReplyFacts facts = factsOf(*reply, clock);
        facts.tokenExpired = facts.tokenExpired && atHome_;
        // Most answers end the call, and ask for neither clock nor dice.
        if (facts.status < 400) return state_.replied(facts, 0, std::chrono::milliseconds(0));
        return state_.replied(facts, clock.random(), timeLeft());
    }

    std::chrono::milliseconds timeLeft() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(limits_.deadline - MonotonicClock::now());
    }

    CallDecision decideRedirect(const HttpReply& reply) {
        RedirectDecision decision = followRedirect(*request_, reply, maxRedirects_ - redirects_);
        if (!decision.next) return CallDecision(CallDecision::Action::finish, decision.reason);
        if (decision.keepsBody && !bodyIsThere())
            return CallDecision(CallDecision::Action::finish, "the body cannot be given again");
        ++redirects_;
        // For good: whoever leads away from home may lead back to a place of their choice.
        if (decision.leavesOrigin) atHome_ = false;
        redirect_ = std::make_shared<WireRequest>(std::move(*decision.next));
        return CallDecision(CallDecision::Action::follow, decision.reason);
    }

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

// A coroutine's frame has room for all that any of its paths needs, and Asio keeps no frame for the next call that has
// more than 1 KB. So what most calls never come to has frames of its own.

/// Waits for the token of the next request. False: the call has ended with what is in `reply` now.
asio::awaitable<bool> waitForToken(Call& call, result<HttpReply>& reply) {
    call.openAhead();
    result<SnapshotPtr> usable = co_await call.tokens().usable(call.limits());
    if (usable.has_value()) {
        call.setToken(std::move(*usable));
        co_return true;
    }
    reply = std::move(usable).error();
    call.end(reply, "there is no token");
    co_return false;
}

/// Does what comes between `reply` and the next request. False: the call has ended with what is in `reply` now.
asio::awaitable<bool> carryOut(Call& call, CallDecision decision, result<HttpReply>& reply) {
    using Action = CallDecision::Action;
    switch (decision.action) {
        case Action::finish:
            break;
        case Action::renewOnly:
            call.tokens().afterUnauthorized(call.token()->generation, WaitLimits())(asio::detached);
            break;
        case Action::renew: {
            const std::uint64_t refused = call.token()->generation;
            result<SnapshotPtr> newer = co_await call.tokens().afterUnauthorized(refused, call.limits());
            if (newer.has_error()) {
                reply = std::move(newer).error();
                decision.reason = "there is no token";
                break;
            }
            if ((*newer)->generation == refused) {
                decision.reason = "there is no newer token";
                break;
            }
            call.retried(reply, decision);
            call.setToken(std::move(*newer));
            co_return true;
        }
        case Action::wait: {
            call.retried(reply, decision);
            // Pauses are the caller's own: an executor that were kept would have to end before its context does.
            const asio::any_io_executor caller = co_await asio::this_coro::executor;
            auto pause = std::make_shared<Pause>(caller, decision.delay, call.limits());
            std::optional<Failure> stopped = co_await run(std::move(pause));
            if (stopped) {
                reply = std::move(*stopped);
                decision.reason = "was not to wait any longer";
                break;
            }
            call.setToken(nullptr);
            co_return true;
        }
        case Action::follow:
            call.follow();
            co_return true;
    }
    call.end(reply, decision.reason);
    co_return false;
}

}  // namespace

asio::awaitable<result<HttpReply>> runCall(CallEnvironment environment, std::shared_ptr<WireRequest> request,
                                           WaitLimits limits, int maxRedirects) {
    Call call(environment, std::move(request), std::move(limits), maxRedirects);
    try {
        result<HttpReply> reply = call.checkProcess();
        while (reply.has_value()) {
            if (!call.hasToken() && !co_await waitForToken(call, reply)) break;
            reply = co_await call.send();
            const CallDecision decision = call.decide(reply);
            if (decision.action == CallDecision::Action::finish) {
                call.end(reply, decision.reason);
                break;
            }
            if (!co_await carryOut(call, decision, reply)) break;
            reply = call.checkProcess();
        }
        co_return std::move(reply);
    } catch (...) {  // of a source or a sink; and Asio throws a cancellation that comes between two operations
        call.threw();
        throw;
    }
}

}  // namespace wix::detail
