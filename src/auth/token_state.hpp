// One visitor's tokens as a state machine: what is active, what is on its way, who waits, and what to do next. Pure: no
// I/O, no time, no randomness; events go in, actions come out. token_manager carries them out, on its strand.
//
// The rules:
// - One exchange at a time, and it belongs to nobody: a waiter that leaves changes nothing for it.
// - New tokens are saved first, then published, then told to the waiters: a rotated refresh token is never only here.
// - Published sets have a growing generation. A 401 names the one it used; only the current one is renewed.
// - Another session (setTokens, logout) is a new epoch. What was asked for an older epoch is never published.
// - A failed exchange answers its waiters once and is remembered until its backoff is over.
// - Only a definite rejection, or an ambiguous one that an experiment has confirmed (ambiguous_refusal.hpp), ends a
//   session, and only after a check against the storage. A member never becomes a visitor.
// - Several processes may share the storage: before an exchange comes a claim, which is the renewal lease and another look
//   at the record. Who finds that a sibling has renewed goes on with that, and asks nobody.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <wix/error.hpp>
#include <wix/observer.hpp>
#include <wix/options.hpp>
#include <wix/token_storage.hpp>
#include <wix/tokens.hpp>

#include "auth/ambiguous_refusal.hpp"
#include "auth/arrivals.hpp"
#include "auth/control_state.hpp"
#include "auth/renewal_budget.hpp"
#include "auth/token_endpoint.hpp"
#include "auth/token_life.hpp"
#include "auth/unsaved_tokens.hpp"
#include "base/clock.hpp"

namespace wix::detail {

/// What callers see: one immutable set. Everything in it comes from the same publication.
struct TokenSnapshot {
    TokenSnapshot() = default;
    Tokens tokens;
    TokenLife life;
    std::uint64_t generation = 0;
    std::uint64_t epoch = 0;
};
using SnapshotPtr = std::shared_ptr<const TokenSnapshot>;

using WaiterId = std::uint64_t;  // grow with the order of arrival

// -- Actions: what the driver is to do, in this order ------------------------------------------------------------------

/// Load the record; report with loaded().
struct LoadAction {};
/// Take the renewal lease, for so long; report with leased(). A background one may be refused with backgroundRefused().
/// It is kept until isRenewing() ends.
struct LeaseAction {
    std::chrono::milliseconds life{0};
    bool background = false;
};
/// Another process has the lease, or an ambiguous refusal has to be confirmed: wait, then report with paused().
struct PauseAction {
    std::chrono::milliseconds time{0};
};
/// Save `tokens`, or erase the record if they are empty; report with saved().
struct SaveAction {
    Tokens tokens;
    std::uint64_t expectedVersion = 0;
};
/// Ask the token endpoint; report with exchanged(). A background one may be refused with backgroundRefused().
struct ExchangeAction {
    Grant grant = Grant::anonymous;
    std::string refreshToken;
    bool background = false;
    bool replay = false;    ///< Of the exchange that was just reported: the same flight, within its deadline.
                            ///< (Or of the one before the control, see RequestControlAction.)
    RenewalStarted flight;  ///< Tell the observer, unless this is a replay or refused.
};
/// Ask the control whether the token endpoint accepts refreshes now, within the deadline of the flight; report with
/// controlled(). It is not needed any more once exchangeIsStale().
struct RequestControlAction {};
/// Callers may use this set from now on. Null: none, since another one is about to be active.
struct PublishAction {
    SnapshotPtr snapshot;
};
/// These waiters end with this.
struct CompleteAction {
    std::vector<WaiterId> waiters;
    result<SnapshotPtr> outcome;
};
/// Drop the exchange if its request has not left yet; report with exchanged() in any case.
struct DropUnsentAction {};
/// Tell the observer.
using ObserveAction = std::variant<RenewalFinished, RenewalFailed, RenewalAdopted, SessionLost, SaveFailed>;

using TokenAction = std::variant<LoadAction, LeaseAction, PauseAction, SaveAction, ExchangeAction, RequestControlAction,
                                 PublishAction, CompleteAction, DropUnsentAction, ObserveAction>;
using TokenActions = std::vector<TokenAction>;

/// What a session starts from, and its policy.
struct TokenPolicy {
    TokenPolicy() = default;
    Tokens initial;                        ///< Wins over the storage.
    std::optional<UnsavedTokens> unsaved;  ///< Of this session, when it had another io_context.
    bool hasStorage = false;               ///< Otherwise no load and no save is ever asked for.
    SessionLostPolicy onSessionLost = SessionLostPolicy::newVisitor;
    RenewalWindows windows;
    /// Long enough for an exchange with the storage's calls before and after it: no exchange goes on beyond it.
    std::chrono::milliseconds leaseLife{30'000};
    /// Within this time after its lease was requested the exchange begins, or the lease is requested once more.
    std::chrono::milliseconds leaseStart{10'000};
    /// The deadline of a flight: a refresh token is not found dead after it.
    std::chrono::milliseconds exchangeTime{20'000};
};

/// What is kept of a state while nothing is under way: thousands of sessions may be at rest.
struct TokenRest {
    TokenRest() = default;
    bool loaded = false;
    bool closed = false;
    SnapshotPtr active;
    std::uint64_t generation = 0;
    std::uint64_t epoch = 1;
    std::uint64_t storedVersion = 0;
    std::uint64_t attempts = 0;
    struct Gone {
        std::vector<std::string> spent;
        std::vector<std::string> dead;
    };
    std::unique_ptr<Gone> gone;  // most have none
    struct Trouble {
        Failure failure;
        BootTime nextAttempt{};
        int failures = 0;
        AmbiguousRefusal ambiguous;
    };
    std::unique_ptr<Trouble> trouble;  // of a session whose last exchange has failed
    RenewalBudget budget;
    std::optional<Moment> serverClock;
};

/// Whether the lease was granted.
using LeaseOutcome = result<bool>;
/// What came of a save.
using SaveOutcome = result<SaveResult>;
/// What came of a load.
using LoadOutcome = result<std::optional<StoredTokens>>;

class TokenState {
public:
    explicit TokenState(TokenPolicy policy);
    /// Goes on from `rest`, which is left as it is if this throws.
    TokenState(TokenPolicy policy, TokenRest&& rest);
    TokenState(const TokenState&) = delete;
    TokenState& operator=(const TokenState&) = delete;

    // Callers. Each waiter is completed exactly once, unless it is cancelled.
    void get(WaiterId id, Moment now);                                     ///< Wants a token that may be used.
    void unauthorized(WaiterId id, std::uint64_t generation, Moment now);  ///< A 401 for that generation.
    void renew(WaiterId id, Moment now);                                   ///< Wants a newer generation.
    void renew(WaiterId id, RefreshToken refreshToken, Moment now);        ///< The same for a session of its own.
    void read(WaiterId id, Moment now);                                    ///< Wants what is active, as it is.
    void adopt(WaiterId id, Tokens tokens, bool thenGet, Moment now);      ///< setTokens; then get().
    void close(WaiterId id, Moment now);                                   ///< Ends when nothing is in flight.
    void abandon(Moment now);                                              ///< The same with nobody to tell.
    void cancel(WaiterId id);
    void renewAhead(std::uint64_t generation, Moment now);  ///< A caller met an advisory token.
    void saveAgain(Moment now) { advance(now); }            ///< What could not be saved, if it is time for that.

    // The driver's reports.
    void loaded(LoadOutcome outcome, Moment now);
    void leased(LeaseOutcome outcome, Moment now);
    void paused(Moment now);
    void saved(SaveOutcome outcome, Moment now);
    void exchanged(TokenAnswer answer, BootTime requestStarted, Moment now);
    void controlled(ControlOutcome outcome, Moment now);
    void backgroundRefused(Moment now);

    /// What is to be done now; empties the list.
    TokenActions takeActions();

    std::size_t waiters() const noexcept { return waiters_.size() + deferred_.size() + closing_.size(); }
    /// Whether the exchange under way is for a session that is gone: nobody waits for its answer, but others wait for
    /// its end. The same for a control that no caller waits for.
    bool exchangeIsStale() const noexcept {
        return exchange_ && (exchange_->epoch != epoch_ || (exchange_->refusal && !ambiguous_.awaitsControl()));
    }
    /// Whether new tokens are on their way: a claim, an exchange, its save, or the storage's word on its rejection.
    bool isRenewing() const noexcept { return exchange_ || saving_ || rejected_ || claim_; }
    /// Whether callers wait for the next attempt after an ambiguous refusal. The lease is not kept meanwhile.
    bool isPausing() const noexcept { return ambiguous_.isPausing(); }
    /// Nothing is under way, nobody waits, and everything is saved: another process, or a later run, can go on with it.
    bool isQuiet() const noexcept { return !isRenewing() && !storageBusy_ && !next_ && !unsaved_ && waiters() == 0; }
    bool isUnsaved() const noexcept { return unsaved_; }
    /// What the storage does not have yet.
    std::optional<UnsavedTokens> unsavedTokens() const;
    bool isClosed() const noexcept { return closed_; }
    /// Whether a state that is made of rest() goes on as this one would.
    bool mayRest() const noexcept {
        return isQuiet() && loaded_ && !closed_ && !lost_ && !wantAhead_ && policy_.initial.empty() && !policy_.unsaved;
    }
    /// Ends this one.
    TokenRest rest();
    /// No renewal ahead of need before this.
    BootTime nextAttempt() const noexcept { return failed_ ? std::max(failed_->nextAttempt, nextClaim_) : nextClaim_; }

private:
    struct Waiter {
        enum class Wants {
            usable,   // a token that may be used
            newer,    // one of a later generation than `generation`, or of another epoch
            active,   // whatever is active
            adopted,  // that the tokens it gave are active and saved
        };
        Wants wants = Wants::usable;
        std::uint64_t generation = 0;
        std::uint64_t epoch = 0;
        bool needsSession = false;  // newer: fails if there is nothing to renew
    };
    struct Deferred {
        std::function<void(Moment)> event;
        bool bringsTokens = false;  // it does without the storage
    };
    /// From the start of an exchange until its tokens are active, or it has failed.
    struct Flight {
        std::uint64_t attempt = 0;
        RenewalReason reason = RenewalReason::noSession;
        BootTime started{};
    };
    /// Tokens on their way to being active: they are saved first.
    struct Commit {
        enum class Cause { adopted, renewed, minted };
        Cause cause = Cause::adopted;
        Tokens tokens;
        TokenLife life;
        std::uint64_t epoch = 0;
        Flight flight;  // if not adopted
        int conflicts = 0;
        bool yields = false;  // to a newer record, although it is adopted
    };
    struct Exchange {
        Grant grant = Grant::anonymous;
        std::string refreshToken;
        std::uint64_t epoch = 0;
        Flight flight;
        bool replayed = false;
        std::optional<Failure> refusal = std::nullopt;  // while the control is asked
    };
    struct Failed {
        Failure failure;
        BootTime nextAttempt{};
    };
    /// On the way to an exchange, in a storage that siblings may use.
    struct Claim {
        enum class Phase {
            wanting,  // the storage is busy, or about to be asked
            leasing,
            reading,
            pausing,  // a sibling has the lease
            ready,    // the exchange may begin
        };
        // Without a declared constructor std::optional<Claim> is not default-insertable for clang: the initializers below
        // are parsed only at the end of TokenState.
        Claim() noexcept {}
        Phase phase = Phase::wanting;
        bool granted = false;
        int denials = 0;
        BootTime requested{};                   // the lease
        BootTime since{};                       // the first denial
        BootTime deniedAt{};                    // the last one
        std::chrono::milliseconds patience{0};  // without the lease
    };

    // Deciding.
    bool ready(WaiterId id, Moment now, Deferred whenLoaded);
    void admit(WaiterId id, Waiter waiter, Moment now);
    bool waitsForStorage() const;
    void advance(Moment now);
    void advanceExchange(Moment now, Freshness freshness);
    bool hasClaim(Moment now);
    void advanceClaim(Moment now);
    bool mayBegin(Moment now) const;
    void claimRead(const LoadOutcome& outcome, Moment now);
    void denied(Moment now);
    void startExchange(Grant grant, std::string refreshToken, Moment now);
    RenewalReason reasonFor(Grant grant) const;
    void startLoad();
    void retrySave(Moment now);
    void finishClose();

    // Moving tokens in.
    std::optional<Commit> firstCommit(const LoadOutcome& outcome, Moment now);
    void startCommit(Commit commit, Moment now);
    void finishCommit(const std::optional<Failure>& saveFailure, Moment now);
    bool publish(const Commit& commit);
    void spend(const std::string& refreshToken);
    void adoptStored(const StoredTokens& there, Moment now);
    void resolveConflict(const StoredTokens& there, Moment now);
    bool goesOn(const Tokens& theirs) const;
    bool hasMovedOn(const StoredTokens& there, Moment now) const;
    bool hasEnded(const StoredTokens& there) const;
    void endSession(const StoredTokens& there);
    bool goesBefore(const StoredTokens& there, const Commit& ours, Moment now) const;
    TokenLife lifeOf(const Tokens& stored, Moment now) const;
    bool demotes(const Tokens& theirs) const;
    std::vector<std::string> ownRefreshTokens() const;
    void newEpoch();
    void withdraw();
    bool isActiveSession(const std::string& refreshToken) const;

    // After an exchange.
    void granted(const Exchange& exchange, TokenAnswer answer, BootTime requestStarted, Moment now);
    void failed(const Exchange& exchange, TokenAnswer answer, Moment now);
    void failExchange(TokenAnswer answer, std::chrono::milliseconds atLeast, Moment now);
    void endWithFailure(const Exchange& exchange, TokenAnswer answer, std::chrono::milliseconds atLeast, Moment now);
    void refusedAmbiguously(const Exchange& exchange, TokenAnswer answer, Moment now);
    void decideRefusal(AmbiguousRefusal::Step step, const Exchange& exchange, TokenAnswer answer, Moment now);
    bool mayDecide(const Exchange& exchange, Moment now) const;
    void waitForNextAttempt(Moment now);
    std::size_t waitingForToken() const;
    void rememberFailure(Failure failure, std::chrono::milliseconds pause, Moment now);
    void reject(Failure failure);
    void checkedRejection(const LoadOutcome& outcome, Moment now);
    void loseSession(Failure failure);
    Moment onServerClock(Moment now) const;

    // Telling the observer.
    static Failure superseded();
    void observeEnd(const Flight& flight, Failure failure, std::size_t waited, Moment now);
    void observeEnd(const Flight& flight, bool rotated, std::size_t served, Moment now);
    void supersede(const Commit& commit, Moment now);

    // Answering.
    Freshness freshness(Moment now) const;
    bool isSatisfied(const Waiter& waiter, Freshness freshness) const;
    bool isNewerFor(const Waiter& waiter) const;
    bool hasNothingToRenew(const Waiter& waiter) const;
    static Failure nothingToRenew();
    std::size_t settle(Freshness freshness);
    void settleFailed(const Failure& failure, Freshness freshness);
    void complete(std::vector<WaiterId> ids, result<SnapshotPtr> outcome);
    void abort(WaiterId id);

    TokenPolicy policy_;
    SnapshotPtr active_;  // never null
    std::uint64_t generation_ = 0;
    std::uint64_t epoch_ = 1;
    std::vector<std::string> spent_;  // refresh tokens that this session has rotated away
    std::vector<std::string> dead_;   // those of the session that was rejected before it

    Arrivals<Waiter> waiters_;
    std::map<WaiterId, Deferred> deferred_;  // until the storage has been read; in order of arrival
    std::vector<WaiterId> closing_;
    bool closed_ = false;

    bool loaded_ = false;
    bool hearing_ = false;  // those that waited for the storage
    bool storageBusy_ = false;
    bool retryingSave_ = false;  // what keeps the storage busy is a save that nobody waits for
    bool unsaved_ = false;       // the record is behind: a save has failed
    int closeConflicts_ = 0;
    std::optional<Failure> closeFailure_;  // the last chance to save has failed
    bool unsavedWins_ = false;  // what is unsaved was set by a caller: it goes over what others have stored meanwhile
    BootTime nextSave_{};
    std::uint64_t storedVersion_ = 0;
    std::optional<Commit> saving_;
    std::optional<Commit> next_;

    std::optional<Claim> claim_;
    bool leased_ = false;   // a claim was ready; the lease is kept until isRenewing() ends
    BootTime leaseEnds_{};  // max(): the exchange needs none, or has to do without
    BootTime nextClaim_{};  // a sibling renews: no need to be ahead of it
    std::optional<Exchange> exchange_;
    std::uint64_t attempts_ = 0;
    bool wantAhead_ = false;
    std::optional<Failed> failed_;
    int failures_ = 0;
    std::optional<Failure> rejected_;  // by the endpoint; the storage has the last word
    std::optional<Failure> lost_;      // definitely; until other tokens are adopted
    AmbiguousRefusal ambiguous_;
    RenewalBudget budget_;
    std::optional<Moment> serverClock_;  // what the endpoint's clock showed, and when
    TokenActions actions_;
};

}  // namespace wix::detail
