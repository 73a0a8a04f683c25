#include "call/call.hpp"

#include <utility>

#include "base/backoff.hpp"
#include "base/http_date.hpp"
#include "call/api_error.hpp"
#include "call/redirect_rule.hpp"
#include "call/watched_sink.hpp"
#include "call/watched_source.hpp"
#include "http/header_lookup.hpp"
#include "http/header_rules.hpp"

namespace asio = boost::asio;

namespace wix::detail {
namespace {

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
        // A date is read against the response's own, whatever this machine's clock shows.
        const WallTime now = clock.wall();
        const auto date = findHeader(reply.headers, "date");
        facts.retryAfter = parseRetryAfter(*after, (date ? parseHttpDate(*date, now) : std::nullopt).value_or(now));
    }
    return facts;
}

}  // namespace

Call::Call(const CallEnvironment& environment, std::shared_ptr<WireRequest> first, WaitLimits limits, int maxRedirects)
    : environment_(environment),
      limits_(std::move(limits)),
      request_(std::move(first)),
      state_(environment_.retry, request_->idempotent),
      report_(request_->observer),
      maxRedirects_(maxRedirects) {
    if (request_->source) request_->source = std::make_shared<WatchedSource>(std::move(request_->source));
    if (request_->sink) request_->sink = sink_ = std::make_shared<WatchedSink>(std::move(request_->sink));
    quotas().callBegins(request_->origin);
}

result<HttpReply> Call::checkProcess() const {
    if (auto forked = environment_.transport->checkProcess()) return std::move(*forked);
    return HttpReply();
}

// -- Before a request --------------------------------------------------------------------------------------------------

void Call::openAhead() {
    if (request_->origin != *environment_.tokenOrigin) ahead_ = environment_.transport->openAhead(*request_);
}

const SnapshotPtr& Call::token() {
    if (!token_) token_ = tokens().fresh();
    return token_;
}

/// A cache on the way may have stored the 401, and would return it again (RFC 9111, 5.2.1.4).
void Call::replayWith(SnapshotPtr token) {
    setToken(std::move(token));
    if (!findHeader(request_->headers, "cache-control")) request_->headers.emplace_back("Cache-Control", "no-cache");
}

asio::awaitable<result<HttpReply>> Call::send() {
    request_->attempt = report_.sending();
    request_->authorization.reset();
    request_->consistency.clear();
    if (atHome_) {
        request_->authorization = std::shared_ptr<const std::string>(token_, &token_->tokens.accessToken.value);
        request_->consistency = environment_.consistency->valueFor(token_->epoch);
    }
    return environment_.transport->send(request_, limits_);
}

// -- After it ----------------------------------------------------------------------------------------------------------

CallDecision Call::decide(const result<HttpReply>& reply) {
    if (reply.has_value() && atHome_) learnConsistency(*environment_.consistency, *reply, token_->epoch);
    if (maxRedirects_ > 0 && reply.has_value() && isRedirect(reply->status)) return decideRedirect(*reply);
    const CallDecision decision = byState(reply);
    if (decision.sendsAgain() && sink_ && sink_->isTouched())
        return CallDecision(CallDecision::Action::finish, "the sink has had a part of the answer");
    if (decision.sendsAgain() && !bodyIsThere()) return decision.withoutBody();
    if (decision.action != CallDecision::Action::wait || quotas().takeRetry(request_->origin)) return decision;
    return CallDecision::quotaIsEmpty();
}

CallDecision Call::byState(const result<HttpReply>& reply) {
    const Clock& clock = *environment_.clock;
    if (reply.has_error()) return state_.failed(reply.error(), clock.random(), timeLeft());
    ReplyFacts facts = factsOf(*reply, clock);
    facts.tokenExpired = facts.tokenExpired && atHome_;
    // Most answers end the call, and ask for neither clock nor dice.
    if (facts.status < 400) return state_.replied(facts, 0, std::chrono::milliseconds(0));
    return state_.replied(facts, clock.random(), timeLeft());
}

std::chrono::milliseconds Call::timeLeft() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(limits_.deadline - MonotonicClock::now());
}

CallDecision Call::decideRedirect(const HttpReply& reply) {
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

void Call::follow() {
    request_ = std::move(redirect_);
    token_.reset();
    quotas().callBegins(request_->origin);
    state_.redirected(request_->idempotent);
}

void Call::retried(const result<HttpReply>& outcome, const CallDecision& decision) noexcept {
    report_.retried(*request_, outcome, decision.reason, decision.delay);
}

void Call::end(result<HttpReply>& outcome, std::string_view reason) {
    if (outcome.has_error()) {
        Failure failure = outcome.error();
        failure.maybeSent = failure.maybeSent || state_.maybeProcessed();
        failure.repeatable = request_->idempotent;
        outcome = std::move(failure);
    }
    report_.finished(*request_, outcome, reason);
}

}  // namespace wix::detail
