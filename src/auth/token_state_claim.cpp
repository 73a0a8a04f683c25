// TokenState and its siblings: the claim to an exchange, in a storage that several processes share.
#include "auth/token_state.hpp"

#include <algorithm>
#include <utility>

namespace wix::detail {
namespace {

// Of a sibling's exchange the end shows only in the storage: so often it is looked at.
constexpr std::chrono::milliseconds firstPause{50};
constexpr std::chrono::milliseconds longestPause{500};
constexpr std::chrono::seconds aheadPause{1};

std::chrono::milliseconds pauseAfter(int denials, double random) {
    const auto whole = std::min(longestPause, firstPause * (1 << std::min(denials, 4)));
    return std::chrono::milliseconds(
        static_cast<std::int64_t>(static_cast<double>(whole.count()) * (0.5 + random / 2)));
}

}  // namespace

/// Whether the exchange that somebody needs may begin. A storage that does not work coordinates nobody: the session goes
/// on without a claim, as it goes on without its record.
bool TokenState::hasClaim(Moment now) {
    if (!policy_.hasStorage || unsaved_) {
        leaseEnds_ = BootTime::max();
        return true;
    }
    leased_ = leased_ && mayBegin(now);
    if (leased_) return true;
    if (!claim_) {
        claim_.emplace();
        // Several siblings may hold it in turn; and all that wait for a dead one are not to begin at the same moment.
        claim_->patience = 2 * policy_.leaseLife + std::chrono::duration_cast<std::chrono::milliseconds>(
                                                       now.random * std::chrono::duration<double>(policy_.leaseLife));
    }
    if (claim_->phase != Claim::Phase::ready) return false;
    leased_ = true;
    return true;
}

/// Whether the lease lasts as long as an exchange that begins now. It does not if the machine was suspended meanwhile: then
/// another process may have the lease.
bool TokenState::mayBegin(Moment now) const {
    return leaseEnds_ == BootTime::max() || leaseEnds_ - now.boot >= policy_.leaseLife - policy_.leaseStart;
}

void TokenState::advanceClaim(Moment now) {
    if (claim_->phase != Claim::Phase::wanting || storageBusy_) return;
    claim_->phase = Claim::Phase::leasing;
    claim_->requested = now.boot;
    storageBusy_ = true;
    actions_.emplace_back(LeaseAction{policy_.leaseLife, waiters_.empty()});
}

void TokenState::leased(LeaseOutcome outcome, Moment now) {
    storageBusy_ = false;
    if (next_) {  // other tokens were set meanwhile: what is needed now shows once they are active
        claim_.reset();
        startCommit(*std::exchange(next_, std::nullopt), now);
    } else if (claim_) {
        claim_->granted = outcome.has_error() || *outcome;
        const bool has = outcome.has_value() && *outcome;
        leaseEnds_ = has ? claim_->requested + policy_.leaseLife : BootTime::max();
        claim_->phase = Claim::Phase::reading;
        startLoad();
    }
    advance(now);
}

/// What the record says by now, with the lease in hand or not.
void TokenState::claimRead(const LoadOutcome& outcome, Moment now) {
    if (next_) {
        claim_.reset();
        return startCommit(*std::exchange(next_, std::nullopt), now);
    }
    if (outcome.has_error() && active_->tokens.empty()) {
        // Not knowing is no reason to start a visitor. The next use tries again.
        claim_.reset();
        return settleFailed(outcome.error(), Freshness::dead);
    }
    if (outcome.has_value()) {
        const StoredTokens there = *outcome ? **outcome : StoredTokens();
        const Claim claim = *claim_;  // it is for whoever is the visitor now
        if (hasEnded(there)) {
            endSession(there);
        } else if (hasMovedOn(there, now)) {
            adoptStored(there, now);
            RenewalAdopted event;
            event.waiters = settle(freshness(now));
            actions_.emplace_back(ObserveAction(std::move(event)));
        } else if (there.version > storedVersion_ || !*outcome) {
            storedVersion_ = there.version;  // a save of ours that came late, or none any more
        }
        claim_ = claim;
    }
    // A storage that fails here tells of no sibling's end either.
    if (!mayBegin(now))
        claim_->phase = Claim::Phase::wanting;
    else if (claim_->granted || outcome.has_error())
        claim_->phase = Claim::Phase::ready;
    else
        denied(now);
}

/// Another process has the lease.
void TokenState::denied(Moment now) {
    settle(freshness(now));  // a renewal in the background does not wait for the lease
    // No lease lasts from one denial to another that comes so late: the process was suspended, and this holder is a new one.
    if (claim_->denials == 0 || now.boot - claim_->deniedAt >= policy_.leaseLife) claim_->since = now.boot;
    claim_->deniedAt = now.boot;
    if (waiters_.empty()) {
        claim_.reset();
        wantAhead_ = false;
        nextClaim_ = now.boot + aheadPause;
    } else if (now.boot - claim_->since >= claim_->patience) {
        claim_->phase = Claim::Phase::ready;  // whoever grants leases there is at fault
    } else {
        claim_->phase = Claim::Phase::pausing;
        actions_.emplace_back(PauseAction{pauseAfter(claim_->denials++, now.random)});
    }
}

void TokenState::paused(Moment now) {
    if (claim_ && claim_->phase == Claim::Phase::pausing) claim_->phase = Claim::Phase::wanting;
    ambiguous_.pauseEnded(!failed_ || now.boot >= failed_->nextAttempt);
    advance(now);
}

}  // namespace wix::detail
