// TokenState and the storage: what came of a load or a save, and how tokens become the active ones.
#include "auth/token_state.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace wix::detail {
namespace {

constexpr std::size_t rememberedSpentTokens = 8;
constexpr int mostConflicts = 3;
constexpr std::chrono::seconds saveRetryPause{1};

}  // namespace

// -- Storage -----------------------------------------------------------------------------------------------------------

void TokenState::loaded(LoadOutcome outcome, Moment now) {
    storageBusy_ = false;
    if (claim_ && claim_->phase == Claim::Phase::reading) {
        claimRead(outcome, now);
        return advance(now);
    }
    if (loaded_) {
        checkedRejection(outcome, now);
        if (next_) startCommit(*std::exchange(next_, std::nullopt), now);
        return advance(now);
    }
    if (outcome.has_error() && policy_.initial.empty() && !policy_.unsaved) {
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
    if (auto commit = firstCommit(outcome, now)) {
        // The record is not published even for a moment: it may be another visitor's.
        startCommit(std::move(*commit), now);
    } else if (outcome.has_value() && *outcome) {
        adoptStored(**outcome, now);
    }
    // All of them are heard before anything is done: no visitor is started for the first if a later one brings tokens.
    hearing_ = true;
    for (auto& [id, deferred] : std::exchange(deferred_, {})) deferred.event(now);
    hearing_ = false;
    advance(now);
}

/// The tokens that this session starts with, if they are not those in the storage.
std::optional<TokenState::Commit> TokenState::firstCommit(const LoadOutcome& outcome, Moment now) {
    const StoredTokens record = outcome.has_value() && *outcome ? **outcome : StoredTokens();
    const auto unsaved = std::exchange(policy_.unsaved, std::nullopt);
    Tokens tokens = std::exchange(policy_.initial, Tokens());
    if (unsaved) tokens = unsaved->tokens;
    const std::string& refresh = tokens.refreshToken.value;
    const bool sameSession = !refresh.empty() && refresh == record.tokens.refreshToken.value;
    if (unsaved) {
        const bool isNewer = record.version > unsaved->version;
        if (isNewer && (sameSession || !unsaved->setByCaller)) return std::nullopt;
        if (tokens.empty() && outcome.has_value() && record.tokens.empty()) return std::nullopt;
    } else if (tokens.empty() || sameSession) {  // the record of the same session is at least as new
        return std::nullopt;
    }
    storedVersion_ = record.version;
    if (tokens.refreshToken.role == TokenRole::none && !refresh.empty()) tokens.refreshToken.role = TokenRole::visitor;
    newEpoch();
    if (tokens.empty()) dead_.push_back(record.tokens.refreshToken.value);
    const TokenLife life = lifeOfAdopted(tokens.accessToken.expiresAt, onServerClock(now), policy_.windows);
    Commit commit{Commit::Cause::adopted, std::move(tokens), life, epoch_, Flight()};
    commit.yields = unsaved && !unsaved->setByCaller;
    return commit;
}

std::optional<UnsavedTokens> TokenState::unsavedTokens() const {
    const auto of = [this](const Commit& commit) {
        const bool wins = unsavedWins_ || (commit.cause == Commit::Cause::adopted && !commit.yields);
        return UnsavedTokens(commit.tokens, storedVersion_, wins);
    };
    if (next_) return of(*next_);
    if (saving_) return of(*saving_);
    if (unsaved_) return UnsavedTokens(active_->tokens, storedVersion_, unsavedWins_);
    return policy_.unsaved;
}

void TokenState::saved(SaveOutcome outcome, Moment now) {
    storageBusy_ = false;
    if (std::exchange(retryingSave_, false)) {
        const bool behind = outcome.has_error() || !outcome->isSaved();
        const bool older = outcome.has_value() && outcome->version() < storedVersion_;
        const bool ended = outcome.has_value() && !outcome->isSaved() && hasEnded(outcome->current());
        unsaved_ = !closed_ && behind;
        unsavedWins_ = unsavedWins_ && behind;
        if (closed_ && outcome.has_error()) closeFailure_ = outcome.error();
        // A save that was given up has come through late: once more over it, unless it is another program's session.
        if (closed_ && !outcome.has_error() && behind && (unsavedWins_ || !goesOn(outcome->current().tokens)))
            unsaved_ = ++closeConflicts_ <= mostConflicts;
        if (outcome.has_value()) storedVersion_ = outcome->version();
        nextSave_ = now.boot + saveRetryPause;
        if (next_) {
            startCommit(*std::exchange(next_, std::nullopt), now);
        } else if (unsaved_ && ended) {
            endSession(outcome->current());
        } else if (unsaved_ && outcome.has_value() && !older && !unsavedWins_ && goesOn(outcome->current().tokens)) {
            newEpoch();  // what is in flight for ours is not for theirs
            adoptStored(outcome->current(), now);
        }
    } else if (outcome.has_error()) {
        unsaved_ = true;
        nextSave_ = now.boot + saveRetryPause;
        finishCommit(outcome.error(), now);
    } else if (outcome->isSaved()) {
        unsaved_ = unsavedWins_ = false;
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
        if (next_) supersede(*next_, now);
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
        supersede(commit, now);
        return startCommit(*std::exchange(next_, std::nullopt), now);
    }
    if (saveFailure && commit.cause == Commit::Cause::adopted && !commit.yields) unsavedWins_ = true;
    // Whatever starts another epoch brings tokens, which would be next_.
    BOOST_ASSERT(commit.epoch == epoch_);
    const bool rotated = publish(commit);
    if (saveFailure) {
        SaveFailed event;
        event.failure = *saveFailure;
        actions_.emplace_back(ObserveAction(std::move(event)));
    }
    auto adopters = waiters_.take([](const Waiter& waiter) { return waiter.wants == Waiter::Wants::adopted; });
    if (saveFailure)
        complete(std::move(adopters), *saveFailure);
    else
        complete(std::move(adopters), active_);
    if (commit.cause == Commit::Cause::adopted) return;
    auto served = waiters_.take([](const Waiter&) { return true; });
    const std::size_t count = served.size();
    complete(std::move(served), active_);
    observeEnd(commit.flight, rotated, count, now);
}

/// True if the session has rotated to another refresh token.
bool TokenState::publish(const Commit& commit) {
    const std::string& old = active_->tokens.refreshToken.value;
    const bool rotated =
        commit.cause == Commit::Cause::renewed && !old.empty() && old != commit.tokens.refreshToken.value;
    const bool sameToken = !old.empty() && old == commit.tokens.refreshToken.value;
    if (rotated) spend(old);
    auto made = std::make_shared<TokenSnapshot>();
    made->tokens = commit.tokens;
    made->life = commit.life;
    made->generation = ++generation_;
    made->epoch = epoch_;
    active_ = std::move(made);
    if (!sameToken) lost_.reset();
    failed_.reset();
    ambiguous_.reset();
    wantAhead_ = false;
    actions_.emplace_back(PublishAction{active_});
    return rotated;
}

void TokenState::spend(const std::string& refreshToken) {
    spent_.push_back(refreshToken);
    if (spent_.size() > rememberedSpentTokens) spent_.erase(spent_.begin());
}

/// Takes over what is stored already: at the start, or because somebody else was faster.
void TokenState::adoptStored(const StoredTokens& there, Moment now) {
    storedVersion_ = there.version;
    unsaved_ = unsavedWins_ = false;
    if (there.tokens.empty()) return;
    const TokenLife life = lifeOf(there.tokens, now);
    // A sibling has rotated it away, most likely: it is not to be spent again, nor to come back.
    const std::string& old = active_->tokens.refreshToken.value;
    if (demotes(there.tokens)) {
        auto dead = ownRefreshTokens();
        newEpoch();
        dead_ = std::move(dead);
    } else if (!old.empty() && old != there.tokens.refreshToken.value) {
        spend(old);
    }
    Tokens tokens = there.tokens;
    if (tokens.refreshToken.role == TokenRole::none && !tokens.refreshToken.value.empty())
        tokens.refreshToken.role = TokenRole::visitor;
    publish(Commit{Commit::Cause::adopted, std::move(tokens), life, epoch_, Flight()});
}

/// Whether a record that somebody else has written goes on instead of ours: a session that another program started, or
/// rotated; not one that we have rotated away ourselves.
bool TokenState::goesOn(const Tokens& theirs) const {
    const std::string& token = theirs.refreshToken.value;
    const auto isIn = [&](const auto& tokens) {
        return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
    };
    return !token.empty() && token != active_->tokens.refreshToken.value && !demotes(theirs) && !isIn(spent_) &&
           !isIn(dead_);
}

/// Whether a record that somebody else has written takes the place of what is active. One of an older version, out of a
/// backup say, never does. A visitor's over a member's comes of a logout: going on as the member would undo that.
bool TokenState::hasMovedOn(const StoredTokens& there, Moment now) const {
    if (there.version <= storedVersion_ || unsavedWins_) return false;
    if (demotes(there.tokens) || goesOn(there.tokens)) return true;
    const Tokens& ours = active_->tokens;
    // Without rotation it is the access token that tells.
    return !ours.refreshToken.value.empty() && there.tokens.refreshToken == ours.refreshToken &&
           there.tokens.accessToken.value != ours.accessToken.value &&
           lifeOf(there.tokens, now).dead > active_->life.dead;
}

/// The same where both have renewed: whether theirs is kept, and `ours` given up.
bool TokenState::goesBefore(const StoredTokens& there, const Commit& ours, Moment now) const {
    // What a caller set wins, and so does what became of it since.
    if (there.version < storedVersion_) return false;
    if (ours.yields) return true;
    if (ours.cause == Commit::Cause::adopted || unsavedWins_) return false;
    if (demotes(there.tokens)) return true;
    if (there.tokens.refreshToken.value != ours.tokens.refreshToken.value) return goesOn(there.tokens);
    // What is active is no sibling's, but a save of ours that came late: ours is newer, however long that one may live.
    const std::string& access = there.tokens.accessToken.value;
    return ours.cause == Commit::Cause::renewed && !access.empty() && access != active_->tokens.accessToken.value &&
           !there.tokens.refreshToken.value.empty() && lifeOf(there.tokens, now).dead >= ours.life.dead;
}

/// Whether somebody else has logged this session out: its record is there, newer, and empty. One that we have never seen
/// stored was never theirs to end: what is empty then is of the session before it.
bool TokenState::hasEnded(const StoredTokens& there) const {
    return storedVersion_ != 0 && there.version > storedVersion_ && there.tokens.empty() && !unsavedWins_ &&
           !active_->tokens.empty();
}

/// Then it has ended here too. Who needs a token starts another visitor.
void TokenState::endSession(const StoredTokens& there) {
    auto dead = ownRefreshTokens();
    newEpoch();
    dead_ = std::move(dead);
    storedVersion_ = there.version;
    unsaved_ = false;
    publish(Commit{Commit::Cause::adopted, Tokens(), TokenLife(), epoch_, Flight()});
}

std::vector<std::string> TokenState::ownRefreshTokens() const {
    auto all = spent_;
    if (!active_->tokens.refreshToken.value.empty()) all.push_back(active_->tokens.refreshToken.value);
    return all;
}

TokenLife TokenState::lifeOf(const Tokens& stored, Moment now) const {
    return lifeOfAdopted(stored.accessToken.expiresAt, onServerClock(now), policy_.windows);
}

/// Whether going on with `theirs` would make a visitor of a member.
bool TokenState::demotes(const Tokens& theirs) const {
    return active_->tokens.refreshToken.role == TokenRole::member && !theirs.refreshToken.value.empty() &&
           theirs.refreshToken.role != TokenRole::member;
}

/// Somebody else has changed the record since we read it.
void TokenState::resolveConflict(const StoredTokens& there, Moment now) {
    Commit commit = *std::exchange(saving_, std::nullopt);
    const bool theirsFirst = goesBefore(there, commit, now);
    const bool ended = commit.cause == Commit::Cause::renewed && hasEnded(there);
    if (next_) {
        storedVersion_ = there.version;
        supersede(commit, now);
        return startCommit(*std::exchange(next_, std::nullopt), now);
    }
    if (ended) {
        supersede(commit, now);
        endSession(there);
        return complete(waiters_.take([](const Waiter& waiter) { return waiter.wants == Waiter::Wants::adopted; }),
                        active_);
    }
    storedVersion_ = there.version;
    if (theirsFirst) {
        supersede(commit, now);
        adoptStored(there, now);
        // Those who set tokens of this session, which it had already.
        return complete(waiters_.take([](const Waiter& waiter) { return waiter.wants == Waiter::Wants::adopted; }),
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
    dead_.clear();
    lost_.reset();
    failed_.reset();
    failures_ = 0;
    rejected_.reset();
    claim_.reset();
    leased_ = false;
    ambiguous_.reset();
    wantAhead_ = false;
    budget_ = RenewalBudget();
}

/// Another session has been set, and is saved before it is active: who comes meanwhile must not take the one of before.
void TokenState::withdraw() {
    if (policy_.hasStorage) actions_.emplace_back(PublishAction());
}

/// Whether that refresh token belongs to the session that is active, or about to be. A caller may hold one that has been
/// rotated away since: spending it again would have the endpoint revoke the family.
bool TokenState::isActiveSession(const std::string& refreshToken) const {
    if (refreshToken.empty()) return false;
    // From the newest tokens on their way backwards: a renewal goes on with the session before it.
    for (const auto* commit : {&next_, &saving_}) {
        if (!*commit || (*commit)->epoch != epoch_) continue;
        if (refreshToken == (*commit)->tokens.refreshToken.value) return true;
        if ((*commit)->cause != Commit::Cause::renewed) return false;
    }
    return refreshToken == active_->tokens.refreshToken.value ||
           std::find(spent_.begin(), spent_.end(), refreshToken) != spent_.end();
}

}  // namespace wix::detail
