// The callers' side: what they want, and what to do next. The driver's reports are in token_state_storage.cpp and
// token_state_exchange.cpp.
#include "auth/token_state.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <utility>

namespace wix::detail {

namespace {

SnapshotPtr noTokens(std::uint64_t epoch) {
    auto none = std::make_shared<TokenSnapshot>();
    none->epoch = epoch;
    return none;
}

}  // namespace

TokenState::TokenState(TokenPolicy policy) : TokenState(std::move(policy), TokenRest()) {}

// Nothing throws after the first two members.
TokenState::TokenState(TokenPolicy policy, TokenRest&& rest)
    : policy_(std::move(policy)),
      active_(rest.active ? std::move(rest.active) : noTokens(rest.epoch)),
      generation_(rest.generation),
      epoch_(rest.epoch),
      closed_(rest.closed),
      loaded_(rest.loaded),
      storedVersion_(rest.storedVersion),
      attempts_(rest.attempts),
      budget_(rest.budget),
      serverClock_(rest.serverClock) {
    if (rest.gone) {
        spent_ = std::move(rest.gone->spent);
        dead_ = std::move(rest.gone->dead);
    }
    if (!rest.trouble) return;
    failed_ = Failed{std::move(rest.trouble->failure), rest.trouble->nextAttempt};
    failures_ = rest.trouble->failures;
    ambiguous_ = rest.trouble->ambiguous;
}

TokenRest TokenState::rest() {
    TokenRest rest;
    rest.loaded = loaded_;
    rest.active = std::move(active_);
    rest.generation = generation_;
    rest.epoch = epoch_;
    rest.storedVersion = storedVersion_;
    rest.attempts = attempts_;
    if (!spent_.empty() || !dead_.empty()) {
        rest.gone = std::make_unique<TokenRest::Gone>();
        rest.gone->spent = std::move(spent_);
        rest.gone->dead = std::move(dead_);
    }
    if (failed_) {
        rest.trouble = std::make_unique<TokenRest::Trouble>();
        rest.trouble->failure = std::move(failed_->failure);
        rest.trouble->nextAttempt = failed_->nextAttempt;
        rest.trouble->failures = failures_;
        rest.trouble->ambiguous = ambiguous_;
    }
    rest.budget = budget_;
    rest.serverClock = serverClock_;
    return rest;
}

TokenActions TokenState::takeActions() { return std::exchange(actions_, TokenActions()); }

// -- Events ------------------------------------------------------------------------------------------------------------

/// True once the storage has been read. Until then the event waits in line: what it means depends on what is stored.
bool TokenState::ready(WaiterId id, Moment now, Deferred whenLoaded) {
    if (closed_) {
        abort(id);
        return false;
    }
    if (loaded_) return true;
    deferred_.emplace(id, std::move(whenLoaded));
    if (!storageBusy_) startLoad();
    if (!policy_.hasStorage) loaded(LoadOutcome(std::nullopt), now);
    return false;
}

void TokenState::get(WaiterId id, Moment now) {
    if (!ready(id, now, {[this, id](Moment then) { get(id, then); }})) return;
    admit(id, Waiter{Waiter::Wants::usable, 0, epoch_}, now);
}

void TokenState::read(WaiterId id, Moment now) {
    if (!ready(id, now, {[this, id](Moment then) { read(id, then); }})) return;
    admit(id, Waiter{Waiter::Wants::active, 0, epoch_}, now);
}

void TokenState::unauthorized(WaiterId id, std::uint64_t generation, Moment now) {
    if (!ready(id, now, {[this, id, generation](Moment then) { unauthorized(id, generation, then); }})) return;
    const bool costsNothing = exchange_ || claim_ || saving_ || next_ || rejected_ ||
                              generation != active_->generation || (failed_ && now.boot < failed_->nextAttempt);
    if (!costsNothing && !budget_.take(now.boot)) return complete({id}, active_);
    admit(id, Waiter{Waiter::Wants::newer, generation, active_->epoch}, now);
}

void TokenState::renew(WaiterId id, Moment now) {
    if (!ready(id, now, {[this, id](Moment then) { renew(id, then); }})) return;
    const Commit* pending = next_ ? &*next_ : saving_ ? &*saving_ : nullptr;
    if (pending && pending->cause == Commit::Cause::adopted)  // it wants more than what was set and is being saved
        return admit(id, Waiter{Waiter::Wants::newer, generation_ + 1, epoch_, true}, now);
    admit(id, Waiter{Waiter::Wants::newer, active_->generation, active_->epoch, true}, now);
}

void TokenState::renew(WaiterId id, RefreshToken refreshToken, Moment now) {
    if (!ready(id, now, {[this, id, refreshToken](Moment then) { renew(id, refreshToken, then); }, true})) return;
    if (refreshToken.role == TokenRole::none) refreshToken.role = TokenRole::visitor;
    if (isActiveSession(refreshToken.value)) return renew(id, now);
    newEpoch();
    withdraw();
    Commit commit{Commit::Cause::adopted, Tokens(AccessToken(), std::move(refreshToken)), TokenLife(), epoch_,
                  Flight()};
    // It wants more than this commit, which is the next generation of its epoch.
    waiters_.add(id, Waiter{Waiter::Wants::newer, generation_ + 1, epoch_, true});
    startCommit(std::move(commit), now);
    advance(now);
}

void TokenState::adopt(WaiterId id, Tokens tokens, bool thenGet, Moment now) {
    if (!ready(id, now, {[this, id, tokens, thenGet](Moment then) { adopt(id, tokens, thenGet, then); }, true})) return;
    if (tokens.refreshToken.role == TokenRole::none && !tokens.refreshToken.value.empty())
        tokens.refreshToken.role = TokenRole::visitor;
    const TokenLife life = lifeOfAdopted(tokens.accessToken.expiresAt, onServerClock(now), policy_.windows);
    const bool known = !tokens.refreshToken.value.empty() && isActiveSession(tokens.refreshToken.value);
    // By their lives, not by their texts: a wall clock may have been set since.
    const bool works = !tokens.accessToken.value.empty() && life.at(now.boot) != Freshness::dead;
    const bool fresher = known && works && !saving_ && !next_ && !rejected_ &&
                         tokens.refreshToken == active_->tokens.refreshToken &&
                         tokens.accessToken != active_->tokens.accessToken && life.dead > active_->life.dead;
    const auto wants = thenGet ? Waiter::Wants::usable : Waiter::Wants::adopted;
    if (known && !fresher && !saving_ && !next_ && !thenGet) return complete({id}, active_);
    if (!known) {
        // After a logout the session of before is not to come back out of a storage that somebody else had written to.
        auto dead = tokens.empty() ? ownRefreshTokens() : std::vector<std::string>();
        newEpoch();
        dead_ = std::move(dead);
        withdraw();
    }
    waiters_.add(id, Waiter{wants, 0, epoch_});
    if (!known || fresher) startCommit(Commit{Commit::Cause::adopted, std::move(tokens), life, epoch_, Flight()}, now);
    advance(now);
}

void TokenState::close(WaiterId id, Moment now) {
    closing_.push_back(id);
    abandon(now);
}

void TokenState::abandon(Moment now) {
    if (!std::exchange(closed_, true)) {
        claim_.reset();
        ambiguous_.callersLeft();
        auto left = waiters_.take([](const Waiter&) { return true; });
        for (const auto& [id, event] : deferred_) left.push_back(id);
        deferred_.clear();
        complete(std::move(left), Failure(boost::asio::error::operation_aborted, "the client was closed"));
        if (exchange_) actions_.emplace_back(DropUnsentAction());
    }
    advance(now);
}

void TokenState::cancel(WaiterId id) {
    waiters_.remove(id);
    deferred_.erase(id);
    std::erase(closing_, id);
    if (!waiters_.empty()) return;
    if (claim_ && !storageBusy_) claim_.reset();  // no timer for a claim without waiters
    ambiguous_.callersLeft();
}

void TokenState::renewAhead(std::uint64_t generation, Moment now) {
    const bool canRenew = !lost_ && !active_->tokens.refreshToken.value.empty();
    if (closed_ || !loaded_ || generation != active_->generation || !canRenew) return;
    wantAhead_ = true;
    advance(now);
}

// -- Deciding ----------------------------------------------------------------------------------------------------------

/// The storage's answer moves us on. While a save that nobody waits for is under way the session goes on, unless other
/// tokens wait behind it: what is active is about to be replaced.
bool TokenState::waitsForStorage() const { return rejected_ || saving_ || next_ || (storageBusy_ && !retryingSave_); }

/// Adds a waiter. During an exchange, or in the pause before the next one, the others are not examined again: with
/// thousands of them that would take quadratic time.
void TokenState::admit(WaiterId id, Waiter waiter, Moment now) {
    if ((exchange_ || isPausing()) && !waitsForStorage()) {
        if (isSatisfied(waiter, freshness(now))) return complete({id}, active_);
        if (hasNothingToRenew(waiter)) return complete({id}, nothingToRenew());
        waiters_.add(id, waiter);
        return;
    }
    waiters_.add(id, waiter);
    advance(now);
}

void TokenState::advance(Moment now) {
    if (closed_) return finishClose();
    if (!loaded_ || hearing_) return;
    if (rejected_ && !storageBusy_) return startLoad();
    if (waitsForStorage()) return;
    const Freshness fresh = freshness(now);
    settle(fresh);
    advanceExchange(now, fresh);
    retrySave(now);
    if (!isRenewing()) leased_ = false;
}

/// Starts the exchange that somebody needs, or tells why there is none.
void TokenState::advanceExchange(Moment now, Freshness fresh) {
    const Tokens& tokens = active_->tokens;
    const bool canRenew = !tokens.refreshToken.value.empty();
    complete(waiters_.take([&](const Waiter& waiter) { return hasNothingToRenew(waiter); }), nothingToRenew());
    const bool ahead = wantAhead_ && canRenew && !lost_ && fresh != Freshness::fresh;
    if (exchange_) return;
    if (waiters_.empty() && !ahead) return claim_.reset();           // who wanted it has left, or has been served
    if (!canRenew && tokens.refreshToken.role == TokenRole::member)  // came without a refresh token
        return settleFailed(Failure(Errc::session_expired, "the member has no refresh token"), fresh);
    if (lost_ && (tokens.refreshToken.role == TokenRole::member || policy_.onSessionLost == SessionLostPolicy::fail))
        return settleFailed(*lost_, fresh);
    if (failed_ && now.boot < failed_->nextAttempt) {
        if (ambiguous_.callersWait() && fresh == Freshness::dead && !lost_) return waitForNextAttempt(now);
        return settleFailed(failed_->failure, fresh);
    }
    if ((lost_ || !canRenew) && fresh != Freshness::dead) {
        // It cannot be renewed, but it still works: the visitor keeps the cart as long as that.
        complete(waiters_.take([](const Waiter& waiter) { return waiter.wants == Waiter::Wants::usable; }), active_);
        if (waiters_.empty()) return claim_.reset();
    }
    if (!hasClaim(now)) return advanceClaim(now);
    if (canRenew && !lost_)
        startExchange(Grant::refreshToken, tokens.refreshToken.value, now);
    else
        startExchange(Grant::anonymous, std::string(), now);
}

void TokenState::startExchange(Grant grant, std::string refreshToken, Moment now) {
    wantAhead_ = false;
    claim_.reset();
    const Flight flight{++attempts_, reasonFor(grant), now.boot};
    exchange_ = Exchange{grant, refreshToken, epoch_, flight};
    ExchangeAction action{grant, std::move(refreshToken), waiters_.empty(), false, RenewalStarted()};
    action.flight.attempt = flight.attempt;
    action.flight.reason = flight.reason;
    actions_.emplace_back(std::move(action));
}

/// Of several who need it, the first to come is the reason.
RenewalReason TokenState::reasonFor(Grant grant) const {
    if (grant == Grant::anonymous) return lost_ ? RenewalReason::sessionLost : RenewalReason::noSession;
    const Waiter* first = waiters_.first();
    if (!first) return RenewalReason::ahead;
    // A 401 for tokens that have been replaced since is not why these are renewed.
    if (first->wants != Waiter::Wants::newer || isNewerFor(*first)) return RenewalReason::expired;
    return first->needsSession ? RenewalReason::requested : RenewalReason::unauthorized;
}

void TokenState::startLoad() {
    if (!policy_.hasStorage) return;
    storageBusy_ = true;
    actions_.emplace_back(LoadAction());
}

/// Nobody waits for it: the session goes on in memory, and the record follows when the storage recovers.
void TokenState::retrySave(Moment now) {
    if (!unsaved_ || storageBusy_ || now.boot < nextSave_) return;
    storageBusy_ = retryingSave_ = true;
    actions_.emplace_back(SaveAction{active_->tokens, storedVersion_});
}

void TokenState::finishClose() {
    if (exchange_ || storageBusy_) return;
    if (!loaded_ && policy_.unsaved) return startLoad();
    if (loaded_ && std::exchange(unsaved_, false)) {  // the last chance
        storageBusy_ = retryingSave_ = true;
        actions_.emplace_back(SaveAction{active_->tokens, storedVersion_});
        return;
    }
    auto closers = std::exchange(closing_, std::vector<WaiterId>());
    if (closeFailure_)
        complete(std::move(closers), *closeFailure_);
    else
        complete(std::move(closers), active_);
}

// -- Answering ---------------------------------------------------------------------------------------------------------

Freshness TokenState::freshness(Moment now) const {
    return active_->tokens.accessToken.value.empty() ? Freshness::dead : active_->life.at(now.boot);
}

bool TokenState::isSatisfied(const Waiter& waiter, Freshness fresh) const {
    const bool usable = fresh == Freshness::fresh || fresh == Freshness::advisory;
    switch (waiter.wants) {
        case Waiter::Wants::active:
            return true;
        case Waiter::Wants::usable:
            return usable;
        case Waiter::Wants::newer:
            return usable && isNewerFor(waiter);
        case Waiter::Wants::adopted:
            return false;
    }
    return false;
}

bool TokenState::isNewerFor(const Waiter& waiter) const {
    return active_->epoch != waiter.epoch || active_->generation > waiter.generation;
}

/// Also a 401 of before the logout: it starts no visitor.
bool TokenState::hasNothingToRenew(const Waiter& waiter) const {
    return active_->tokens.refreshToken.value.empty() &&
           (waiter.needsSession || (waiter.wants == Waiter::Wants::newer && active_->tokens.empty()));
}

Failure TokenState::nothingToRenew() { return Failure(Errc::no_session, "renewing the access token"); }

/// Answers those who can be answered as things are. Gives their number.
std::size_t TokenState::settle(Freshness fresh) {
    auto served = waiters_.take([&](const Waiter& waiter) { return isSatisfied(waiter, fresh); });
    const std::size_t count = served.size();
    complete(std::move(served), active_);
    return count;
}

/// Answers everybody who waits for a token: with one that still works, or with the failure.
void TokenState::settleFailed(const Failure& failure, Freshness fresh) {
    if (fresh != Freshness::dead)
        complete(waiters_.take([&](const Waiter& waiter) {
            return waiter.wants == Waiter::Wants::usable ||
                   (waiter.wants == Waiter::Wants::newer && isNewerFor(waiter));
        }),
                 active_);
    complete(waiters_.take([](const Waiter& waiter) {
        return waiter.wants == Waiter::Wants::usable || waiter.wants == Waiter::Wants::newer;
    }),
             failure);
}

void TokenState::complete(std::vector<WaiterId> ids, result<SnapshotPtr> outcome) {
    if (!ids.empty()) actions_.emplace_back(CompleteAction{std::move(ids), std::move(outcome)});
}

void TokenState::abort(WaiterId id) {
    complete({id}, Failure(boost::asio::error::operation_aborted, "the client was closed"));
}

}  // namespace wix::detail
