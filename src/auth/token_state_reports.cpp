// The driver's side of TokenState: what came of a load, a save, an exchange.
#include "auth/token_state.hpp"

#include <algorithm>
#include <utility>

#include "base/backoff.hpp"

namespace wix::detail {
namespace {

constexpr std::size_t rememberedSpentTokens = 8;
constexpr int mostConflicts = 3;
constexpr std::chrono::seconds saveRetryPause{1};

// Full jitter from 1 s to 60 s, with a floor, since zero is no pause.
constexpr std::chrono::milliseconds firstBackoff{1'000};
constexpr std::chrono::milliseconds longestBackoff{60'000};
constexpr std::chrono::milliseconds shortestPause{250};
constexpr std::chrono::milliseconds suspicionPause{1'000};
constexpr std::chrono::milliseconds misconfiguredPause{10'000};
constexpr std::chrono::milliseconds longestRetryAfter{300'000};

}  // namespace

// -- Storage -----------------------------------------------------------------------------------------------------------

void TokenState::loaded(LoadOutcome outcome, Moment now) {
    storageBusy_ = false;
    if (loaded_) {
        checkedRejection(outcome, now);
        if (next_) startCommit(*std::exchange(next_, std::nullopt), now);
        return advance(now);
    }
    if (outcome.has_error() && policy_.initial.empty()) {
        // Not knowing is no reason to start a visitor: only who brings tokens goes on, and who came after. For the
        // others the next use tries again.
        std::vector<WaiterId> ids;
        while (!deferred_.empty() && !deferred_.begin()->second.bringsTokens) {
            ids.push_back(deferred_.begin()->first);
            deferred_.erase(deferred_.begin());
        }
        complete(std::move(ids), outcome.error());
        if (deferred_.empty()) return advance(now);
    }
    loaded_ = true;
    const std::optional<StoredTokens> record = outcome.has_value() ? *outcome : std::nullopt;
    const bool sameSession =
        record && record->tokens.refreshToken.value == policy_.initial.refreshToken.value && !record->tokens.empty();
    if (policy_.initial.empty() || sameSession) {
        policy_.initial = Tokens();  // the record of the same session is at least as new
        if (record) adoptStored(*record, now);
    } else {
        // Not published even for a moment: it may be another visitor's.
        storedVersion_ = record ? record->version : 0;
        Tokens initial = std::exchange(policy_.initial, Tokens());
        const TokenLife life = lifeOfAdopted(initial.accessToken.expiresAt, now, policy_.windows);
        if (initial.refreshToken.role == TokenRole::none && !initial.refreshToken.value.empty())
            initial.refreshToken.role = TokenRole::visitor;
        newEpoch();
        startCommit(Commit{Commit::Cause::adopted, std::move(initial), life, epoch_}, now);
    }
    for (auto& [id, deferred] : std::exchange(deferred_, {})) deferred.event(now);
    advance(now);
}

void TokenState::saved(SaveOutcome outcome, Moment now) {
    storageBusy_ = false;
    if (std::exchange(retryingSave_, false)) {
        const bool behind = outcome.has_error() || !outcome->isSaved();
        unsaved_ = !closed_ && behind;
        if (closed_ && outcome.has_error()) closeFailure_ = outcome.error();
        // A save that was given up has come through late: once more over it, unless it is another program's session.
        if (closed_ && !outcome.has_error() && behind && (unsavedWins_ || !goesOn(outcome->current().tokens)))
            unsaved_ = ++closeConflicts_ <= mostConflicts;
        if (outcome.has_value()) storedVersion_ = outcome->version();
        nextSave_ = now.boot + saveRetryPause;
        if (next_) {
            startCommit(*std::exchange(next_, std::nullopt), now);
        } else if (unsaved_ && outcome.has_value() && !unsavedWins_ && goesOn(outcome->current().tokens)) {
            newEpoch();  // what is in flight for ours is not for theirs
            adoptStored(outcome->current(), now);
        }
    } else if (outcome.has_error()) {
        unsaved_ = true;
        nextSave_ = now.boot + saveRetryPause;
        finishCommit(outcome.error(), now);
    } else if (outcome->isSaved()) {
        unsaved_ = false;
        storedVersion_ = outcome->version();
        finishCommit(std::nullopt, now);
    } else {
        resolveConflict(outcome->current(), now);
    }
    advance(now);
}

/// Saves, then publishes. While the storage is busy the newest commit waits in line, and replaces an older one there.
void TokenState::startCommit(Commit commit, Moment now) {
    if (storageBusy_) {
        next_ = std::move(commit);
        return;
    }
    saving_ = std::move(commit);
    if (!policy_.hasStorage) return finishCommit(std::nullopt, now);
    storageBusy_ = true;
    actions_.emplace_back(SaveAction{saving_->tokens, storedVersion_});
}

void TokenState::finishCommit(const std::optional<Failure>& saveFailure, Moment now) {
    const Commit commit = *std::exchange(saving_, std::nullopt);
    if (next_) {
        // Superseded while it was being saved: what follows answers those who wait for it.
        return startCommit(*std::exchange(next_, std::nullopt), now);
    }
    if (saveFailure) unsavedWins_ = commit.cause == Commit::Cause::adopted;
    if (commit.epoch == epoch_) publish(commit);
    auto adopters = takeWaiters([](const Waiter& waiter) { return waiter.wants == Waiter::Wants::adopted; });
    if (saveFailure)
        complete(std::move(adopters), *saveFailure);
    else
        complete(std::move(adopters), active_);
    if (commit.cause == Commit::Cause::adopted || commit.epoch != epoch_) return;
    complete(takeWaiters([](const Waiter&) { return true; }), active_);
}

void TokenState::publish(const Commit& commit) {
    const std::string& old = active_->tokens.refreshToken.value;
    if (commit.cause == Commit::Cause::renewed && !old.empty() && old != commit.tokens.refreshToken.value) {
        spent_.push_back(old);
        if (spent_.size() > rememberedSpentTokens) spent_.pop_front();
    }
    auto made = std::make_shared<TokenSnapshot>();
    made->tokens = commit.tokens;
    made->life = commit.life;
    made->generation = ++generation_;
    made->epoch = epoch_;
    active_ = std::move(made);
    lost_.reset();
    failed_.reset();
    wantAhead_ = false;
    actions_.emplace_back(PublishAction{active_});
}

/// Takes over what is stored already: at the start, or because somebody else was faster.
void TokenState::adoptStored(const StoredTokens& there, Moment now) {
    storedVersion_ = there.version;
    unsaved_ = false;
    if (there.tokens.empty()) return;
    const TokenLife life = lifeOfAdopted(there.tokens.accessToken.expiresAt, now, policy_.windows);
    Tokens tokens = there.tokens;
    if (tokens.refreshToken.role == TokenRole::none && !tokens.refreshToken.value.empty())
        tokens.refreshToken.role = TokenRole::visitor;
    publish(Commit{Commit::Cause::adopted, std::move(tokens), life, epoch_});
}

/// Whether a record that somebody else has written goes on instead of ours: a session that another program started, or
/// rotated; not one that we have rotated away ourselves.
bool TokenState::goesOn(const Tokens& theirs) const {
    const std::string& token = theirs.refreshToken.value;
    return !token.empty() && token != active_->tokens.refreshToken.value && !demotes(theirs) &&
           std::find(spent_.begin(), spent_.end(), token) == spent_.end();
}

/// Whether going on with `theirs` would make a visitor of a member.
bool TokenState::demotes(const Tokens& theirs) const {
    return active_->tokens.refreshToken.role == TokenRole::member && theirs.refreshToken.role != TokenRole::member;
}

/// Somebody else has changed the record since we read it.
void TokenState::resolveConflict(const StoredTokens& there, Moment now) {
    Commit commit = *std::exchange(saving_, std::nullopt);
    storedVersion_ = there.version;
    if (next_) return startCommit(*std::exchange(next_, std::nullopt), now);
    // What the caller set wins.
    if (commit.cause != Commit::Cause::adopted && goesOn(there.tokens) &&
        there.tokens.refreshToken.value != commit.tokens.refreshToken.value) {
        adoptStored(there, now);
        // Those who set tokens of this session, which it had already.
        return complete(takeWaiters([](const Waiter& waiter) { return waiter.wants == Waiter::Wants::adopted; }),
                        active_);
    }
    if (++commit.conflicts <= mostConflicts) return startCommit(std::move(commit), now);
    saving_ = std::move(commit);
    unsaved_ = true;
    nextSave_ = now.boot + saveRetryPause;
    finishCommit(Failure(Errc::storage_unavailable, "saving the session: the record changes all the time"), now);
}

// -- Sessions ----------------------------------------------------------------------------------------------------------

void TokenState::newEpoch() {
    ++epoch_;
    spent_.clear();
    lost_.reset();
    failed_.reset();
    failures_ = 0;
    rejected_.reset();
    suspectToken_.clear();
    wantAhead_ = false;
}

/// Whether that refresh token belongs to the session that is active, or about to be. A caller may hold one that has been
/// rotated away since: spending it again would have the endpoint revoke the family.
bool TokenState::isActiveSession(const std::string& refreshToken) const {
    const auto isActive = [&] {
        return refreshToken == active_->tokens.refreshToken.value ||
               std::find(spent_.begin(), spent_.end(), refreshToken) != spent_.end();
    };
    if (refreshToken.empty()) return false;
    if (next_) return refreshToken == next_->tokens.refreshToken.value;
    if (saving_ && saving_->epoch == epoch_)
        return refreshToken == saving_->tokens.refreshToken.value ||
               (saving_->cause == Commit::Cause::renewed && isActive());
    return isActive();
}

// -- Exchanges ---------------------------------------------------------------------------------------------------------

void TokenState::exchanged(TokenAnswer answer, BootTime requestStarted, Moment now) {
    const Exchange exchange = *std::exchange(exchange_, std::nullopt);
    if (exchange.epoch != epoch_) return advance(now);  // asked for another session
    const bool renewing = exchange.grant == Grant::refreshToken;
    if (answer.verdict == TokenVerdict::lost && renewing && !exchange.replayed && !closed_) {
        // The endpoint may have rotated: within its grace period the same refresh token gives the same answer.
        exchange_ = exchange;
        exchange_->replayed = true;
        actions_.emplace_back(ExchangeAction{exchange.grant, exchange.refreshToken, false, true});
        return;
    }
    const bool suspectedBefore = suspectToken_ == exchange.refreshToken && now.boot - suspectedAt_ >= suspicionPause;
    const bool rejects =
        answer.verdict == TokenVerdict::rejected || (answer.verdict == TokenVerdict::suspicious && suspectedBefore);
    if (answer.verdict == TokenVerdict::granted) {
        granted(exchange, std::move(answer), requestStarted, now);
    } else if (renewing && rejects) {
        reject(answer.failure);
    } else if (renewing && answer.verdict == TokenVerdict::suspicious) {
        if (suspectToken_ != exchange.refreshToken) suspectedAt_ = now.boot;
        suspectToken_ = exchange.refreshToken;
        failExchange(std::move(answer), suspicionPause, now);
    } else {
        const bool misconfigured = answer.verdict == TokenVerdict::misconfigured;
        failExchange(std::move(answer), misconfigured ? misconfiguredPause : shortestPause, now);
    }
    advance(now);
}

void TokenState::granted(const Exchange& exchange, TokenAnswer answer, BootTime requestStarted, Moment now) {
    failures_ = 0;
    suspectToken_.clear();
    Commit commit;
    commit.life = lifeOfGranted(requestStarted, now.boot, answer.expiresIn, policy_.windows, now.random);
    const auto age = now.boot - requestStarted;
    commit.tokens.accessToken = AccessToken(
        std::move(answer.accessToken), std::chrono::floor<std::chrono::seconds>(now.wall - age) + answer.expiresIn);
    commit.tokens.refreshToken = active_->tokens.refreshToken;
    commit.cause = Commit::Cause::renewed;
    if (exchange.grant == Grant::anonymous) {
        if (!active_->tokens.empty()) newEpoch();  // another visitor than before
        commit.cause = Commit::Cause::minted;
        commit.tokens.refreshToken = RefreshToken(std::string(), TokenRole::visitor);
    }
    if (!answer.refreshToken.empty()) commit.tokens.refreshToken.value = std::move(answer.refreshToken);
    commit.epoch = epoch_;
    startCommit(std::move(commit), now);
}

void TokenState::failExchange(TokenAnswer answer, std::chrono::milliseconds atLeast, Moment now) {
    auto pause = std::max(atLeast, fullJitter(++failures_, firstBackoff, longestBackoff, now.random));
    if (answer.retryAfter) pause = std::max(pause, std::min(*answer.retryAfter, longestRetryAfter));
    answer.failure.retryAt = now.wall + pause;
    failed_ = Failed{std::move(answer.failure), now.boot + pause};
    wantAhead_ = false;
    if (saving_ || next_) return;  // other tokens are about to be active: they may serve those who wait
    settleFailed(failed_->failure, freshness(now));
}

/// The refresh token is refused. If there is a storage it is asked first: a sibling may have renewed it meanwhile.
void TokenState::reject(const Failure& failure) {
    if (policy_.hasStorage) {
        rejected_ = failure;
        return;
    }
    lost_ = failure;
    lost_->code = active_->tokens.refreshToken.role == TokenRole::member ? Errc::session_expired : Errc::session_lost;
}

void TokenState::checkedRejection(const LoadOutcome& outcome, Moment now) {
    if (!rejected_) return;  // other tokens were set meanwhile
    const Failure failure = *std::exchange(rejected_, std::nullopt);
    if (outcome.has_error()) {
        TokenAnswer unknown;
        unknown.failure = outcome.error();
        return failExchange(std::move(unknown), suspicionPause, now);
    }
    // A record that we could not write over is no sibling's: it may be of the session before this one.
    const bool stale = *outcome && unsaved_ && (*outcome)->version == storedVersion_;
    if (*outcome && !stale && !demotes((*outcome)->tokens) && !(*outcome)->tokens.refreshToken.value.empty() &&
        !isActiveSession((*outcome)->tokens.refreshToken.value))
        return adoptStored(**outcome, now);
    lost_ = failure;
    lost_->code = active_->tokens.refreshToken.role == TokenRole::member ? Errc::session_expired : Errc::session_lost;
}

void TokenState::backgroundRefused(Moment now) {
    exchange_.reset();
    wantAhead_ = false;
    advance(now);
}

}  // namespace wix::detail
