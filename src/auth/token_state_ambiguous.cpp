// TokenState and ambiguous refusals: the experiment that finds out whether the refresh token is dead, and the pause before it.
#include "auth/token_state.hpp"

#include <utility>

namespace wix::detail {
namespace {

constexpr const char* wayOut =
    ": the refresh token may be invalid; if this persists, call setTokens(Tokens{}) to end this session";

}  // namespace

void TokenState::refusedAmbiguously(const Exchange& exchange, TokenAnswer answer, Moment now) {
    const Refusal refusal(exchange.refreshToken, answer.status, answer.errorCode);
    decideRefusal(ambiguous_.refused(refusal, mayDecide(exchange, now), now.boot), exchange, std::move(answer), now);
}

void TokenState::controlled(ControlOutcome outcome, Moment now) {
    if (!exchange_ || !exchange_->refusal) return;
    Exchange exchange = *std::exchange(exchange_, std::nullopt);
    if (exchange.epoch != epoch_) {  // asked for another session
        observeEnd(exchange.flight, superseded(), 0, now);
        return advance(now);
    }
    TokenAnswer refused;
    refused.failure = *std::exchange(exchange.refusal, std::nullopt);
    refused.retryAfter = outcome.retryAfter;
    const auto step = ambiguous_.controlled(outcome.succeeded, mayDecide(exchange, now));
    decideRefusal(step, exchange, std::move(refused), now);
    advance(now);
}

void TokenState::decideRefusal(AmbiguousRefusal::Step step, const Exchange& exchange, TokenAnswer answer, Moment now) {
    switch (step) {
        case AmbiguousRefusal::Step::requestControl:
            exchange_ = exchange;
            exchange_->refusal = std::move(answer.failure);
            actions_.emplace_back(RequestControlAction());
            return;
        case AmbiguousRefusal::Step::repeat:
            exchange_ = exchange;
            actions_.emplace_back(ExchangeAction{exchange.grant, exchange.refreshToken, false, true, RenewalStarted()});
            return;
        case AmbiguousRefusal::Step::reject:
            observeEnd(exchange.flight, answer.failure, waitingForToken(), now);
            return reject(std::move(answer.failure));
        case AmbiguousRefusal::Step::fail:
            answer.failure.context += wayOut;
            return endWithFailure(exchange, std::move(answer), AmbiguousRefusal::pause, now);
        case AmbiguousRefusal::Step::wait:
            answer.failure.context += wayOut;
            rememberFailure(std::move(answer.failure), AmbiguousRefusal::pause, now);
            observeEnd(exchange.flight, failed_->failure, waitingForToken(), now);
            return;  // advance() lets the callers wait, or fails them
    }
}

/// While the access token works, its callers use it. A flight whose response was lost is no evidence: it may have rotated
/// the refresh token.
bool TokenState::mayDecide(const Exchange& exchange, Moment now) const {
    return !closed_ && !waiters_.empty() && !saving_ && !next_ && !exchange.replayed &&
           freshness(now) == Freshness::dead && now.boot < leaseEnds_ &&
           now.boot - exchange.flight.started < policy_.exchangeTime;
}

/// Callers wait for the attempt that may decide. The lease is given back meanwhile, and there is no timer without callers.
void TokenState::waitForNextAttempt(Moment now) {
    claim_.reset();
    if (ambiguous_.isPausing()) return;
    ambiguous_.pauseStarted();
    actions_.emplace_back(PauseAction{std::chrono::ceil<std::chrono::milliseconds>(failed_->nextAttempt - now.boot)});
}

}  // namespace wix::detail
