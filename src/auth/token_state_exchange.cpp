// TokenState and the token endpoint: what came of an exchange, and what the observer is told of it.
#include "auth/token_state.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <utility>

#include "base/backoff.hpp"

namespace wix::detail {
namespace {

// Full jitter from 1 s to 60 s, with a floor, since zero is no pause.
constexpr std::chrono::milliseconds firstBackoff{1'000};
constexpr std::chrono::milliseconds longestBackoff{60'000};
constexpr std::chrono::milliseconds shortestPause{250};
constexpr std::chrono::milliseconds uncheckedPause{1'000};  // a rejection, and the storage fails
constexpr std::chrono::milliseconds misconfiguredPause{10'000};
constexpr std::chrono::milliseconds longestRetryAfter{300'000};

/// A difference of clocks below this is the network's, and the second of the Date header's resolution.
constexpr std::chrono::seconds noticeableOffset{30};

}  // namespace

// -- Exchanges ---------------------------------------------------------------------------------------------------------

void TokenState::exchanged(TokenAnswer answer, BootTime requestStarted, Moment now) {
    const Exchange exchange = *std::exchange(exchange_, std::nullopt);
    if (exchange.epoch != epoch_) {  // asked for another session
        observeEnd(exchange.flight, superseded(), 0, now);
        return advance(now);
    }
    const bool renewing = exchange.grant == Grant::refreshToken;
    if (answer.verdict == TokenVerdict::lost && renewing && !exchange.replayed && !closed_ && now.boot < leaseEnds_) {
        // The endpoint may have rotated: within its grace period the same refresh token gives the same answer.
        exchange_ = exchange;
        exchange_->replayed = true;
        actions_.emplace_back(ExchangeAction{exchange.grant, exchange.refreshToken, false, true, RenewalStarted()});
        return;
    }
    if (answer.verdict == TokenVerdict::granted)
        granted(exchange, std::move(answer), requestStarted, now);
    else
        failed(exchange, std::move(answer), now);
    advance(now);
}

void TokenState::granted(const Exchange& exchange, TokenAnswer answer, BootTime requestStarted, Moment now) {
    failures_ = 0;
    ambiguous_.reset();
    if (answer.date) serverClock_ = Moment(now.boot, *answer.date, 0);
    Commit commit;
    commit.flight = exchange.flight;
    commit.life = lifeOfGranted(requestStarted, now.boot, answer.expiresIn, policy_.windows, now.random);
    const auto requested = onServerClock(now).wall - (now.boot - requestStarted);
    commit.tokens.accessToken = AccessToken(std::move(answer.accessToken),
                                            std::chrono::floor<std::chrono::seconds>(requested) + answer.expiresIn);
    commit.tokens.refreshToken = active_->tokens.refreshToken;
    commit.cause = Commit::Cause::renewed;
    if (exchange.grant == Grant::anonymous) {
        if (!active_->tokens.empty()) {  // another visitor than before, whose record is not to come back
            auto dead = std::move(spent_);
            dead.push_back(active_->tokens.refreshToken.value);
            newEpoch();
            dead_ = std::move(dead);
        }
        commit.cause = Commit::Cause::minted;
        commit.tokens.refreshToken = RefreshToken(std::string(), TokenRole::visitor);
    }
    if (!answer.refreshToken.empty()) commit.tokens.refreshToken.value = std::move(answer.refreshToken);
    commit.epoch = epoch_;
    startCommit(std::move(commit), now);
}

void TokenState::failed(const Exchange& exchange, TokenAnswer answer, Moment now) {
    const bool renewing = exchange.grant == Grant::refreshToken;
    answer.failure.attempt = exchange.flight.attempt;
    if (renewing && answer.verdict == TokenVerdict::ambiguous)
        return refusedAmbiguously(exchange, std::move(answer), now);
    ambiguous_.interrupt();
    if (renewing && answer.verdict == TokenVerdict::rejected) {
        observeEnd(exchange.flight, answer.failure, waitingForToken(), now);
        return reject(std::move(answer.failure));
    }
    if (answer.verdict == TokenVerdict::rejected) answer.failure.code = Errc::token_unavailable;
    const auto atLeast = answer.verdict == TokenVerdict::misconfigured ? misconfiguredPause : shortestPause;
    endWithFailure(exchange, std::move(answer), atLeast, now);
}

/// Tells the observer and the callers.
void TokenState::endWithFailure(const Exchange& exchange, TokenAnswer answer, std::chrono::milliseconds atLeast,
                                Moment now) {
    const std::size_t waited = waitingForToken();
    failExchange(std::move(answer), atLeast, now);
    observeEnd(exchange.flight, failed_->failure, waited, now);
}

void TokenState::failExchange(TokenAnswer answer, std::chrono::milliseconds atLeast, Moment now) {
    auto pause = std::max(atLeast, fullJitter(++failures_, firstBackoff, longestBackoff, now.random));
    if (answer.retryAfter) pause = std::max(pause, std::min(*answer.retryAfter, longestRetryAfter));
    rememberFailure(std::move(answer.failure), pause, now);
    if (saving_ || next_) return;  // other tokens are about to be active: they may serve those who wait
    settleFailed(failed_->failure, freshness(now));
}

void TokenState::rememberFailure(Failure failure, std::chrono::milliseconds pause, Moment now) {
    failure.retryAt = now.wall + pause;
    failed_ = Failed{std::move(failure), now.boot + pause};
    wantAhead_ = false;
}

std::size_t TokenState::waitingForToken() const {
    return waiters_.count([](const Waiter& waiter) { return waiter.wants != Waiter::Wants::adopted; });
}

/// The refresh token is refused. If there is a storage it is asked first: a sibling may have renewed it meanwhile.
void TokenState::reject(Failure failure) {
    if (closed_) return;
    if (policy_.hasStorage)
        rejected_ = std::move(failure);
    else
        loseSession(std::move(failure));
}

void TokenState::checkedRejection(const LoadOutcome& outcome, Moment now) {
    if (!rejected_) return;  // other tokens were set meanwhile
    Failure failure = *std::exchange(rejected_, std::nullopt);
    if (outcome.has_error()) {
        TokenAnswer unknown;
        unknown.failure = outcome.error();
        return failExchange(std::move(unknown), uncheckedPause, now);
    }
    // A record that we could not write over is no sibling's: it may be of the session before this one.
    const bool stale =
        unsavedWins_ ||
        (*outcome && ((*outcome)->version < storedVersion_ || (unsaved_ && (*outcome)->version == storedVersion_)));
    if (*outcome && !stale && !demotes((*outcome)->tokens) && !(*outcome)->tokens.refreshToken.value.empty() &&
        !isActiveSession((*outcome)->tokens.refreshToken.value))
        return adoptStored(**outcome, now);
    loseSession(std::move(failure));
}

void TokenState::loseSession(Failure failure) {
    SessionLost event;
    event.role = active_->tokens.refreshToken.role;
    const bool member = event.role == TokenRole::member;
    event.newVisitor = !member && policy_.onSessionLost == SessionLostPolicy::newVisitor;
    failure.code = member ? Errc::session_expired : Errc::session_lost;
    event.failure = failure;
    lost_ = std::move(failure);
    actions_.emplace_back(ObserveAction(std::move(event)));
}

/// An exchange, or the claim to it.
void TokenState::backgroundRefused(Moment now) {
    if (exchange_) --attempts_;  // there was none
    exchange_.reset();
    if (claim_) storageBusy_ = false;
    claim_.reset();
    wantAhead_ = false;
    advance(now);
}

// -- The endpoint's clock ----------------------------------------------------------------------------------------------

/// `now` with the wall clock that expiries are written in: the endpoint's, if this machine's is noticeably off. That one
/// may be set at any time; the endpoint's goes on with the time since boot.
Moment TokenState::onServerClock(Moment now) const {
    if (!serverClock_) return now;
    const auto passed = std::chrono::duration_cast<WallTime::duration>(now.boot - serverClock_->boot);
    const WallTime server = serverClock_->wall + passed;
    if (std::chrono::abs(server - now.wall) > noticeableOffset) now.wall = server;
    return now;
}

// -- Telling the observer ----------------------------------------------------------------------------------------------

Failure TokenState::superseded() {
    return Failure(boost::asio::error::operation_aborted, "POST /oauth2/token: its session has been replaced");
}

void TokenState::observeEnd(const Flight& flight, Failure failure, std::size_t waited, Moment now) {
    RenewalFailed event;
    event.attempt = flight.attempt;
    event.reason = flight.reason;
    event.duration = now.boot - flight.started;
    event.waiters = waited;
    event.failure = std::move(failure);
    event.failure.attempt = flight.attempt;
    actions_.emplace_back(ObserveAction(std::move(event)));
}

void TokenState::observeEnd(const Flight& flight, bool rotated, std::size_t served, Moment now) {
    RenewalFinished event;
    event.attempt = flight.attempt;
    event.reason = flight.reason;
    event.duration = now.boot - flight.started;
    event.waiters = served;
    event.rotated = rotated;
    actions_.emplace_back(ObserveAction(std::move(event)));
}

/// These tokens will not be published: others take their place.
void TokenState::supersede(const Commit& commit, Moment now) {
    if (commit.cause != Commit::Cause::adopted) observeEnd(commit.flight, superseded(), 0, now);
}

}  // namespace wix::detail
