// What must hold in every story (RELIABILITY invariants): who may see what, who may fail, and how often is asked.
#pragma once

#include <boost/asio/cancellation_signal.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

#include <wix/observer.hpp>

#include "auth/control_state.hpp"
#include "auth/token_manager.hpp"
#include "endpoint.hpp"
#include "storage.hpp"

namespace wix::simulation {

using detail::SnapshotPtr;

/// Somebody who waits for something.
struct Caller {
    enum class Wants { usable, newer, refused, active, change, end, call };
    Caller(Wants what, std::size_t number) : wants(what), index(number) {}
    Wants wants;
    std::size_t index;
    MonotonicTime deadline = MonotonicTime::max();
    int eraBefore = 0;             // session changes that came before
    int era = 0;                   // of a change: its number
    std::uint64_t seenBefore = 0;  // the newest generation that anybody had seen
    bool entered = false;
    bool given = false;     // up: cancelled, stopped or late
    bool wantsAny = false;  // of whatever session: one is made for it
    bool closedBefore = false;
    int completions = 0;
    int sends = 0;  // of a call
    std::string failure;
    boost::asio::cancellation_signal signal;
    std::stop_source stop;
};

/// Checks what the observer hears: pairs, one at a time, no secrets.
class Listener final : public Observer {
public:
    explicit Listener(Trace& trace) : trace_(trace) {}

    void renewalStarted(const RenewalStarted& event) override;
    void renewalFinished(const RenewalFinished& event) override;
    void renewalFailed(const RenewalFailed& event) override;
    void renewalAdopted(const RenewalAdopted& event) override;
    void sessionLost(const SessionLost& event) override;
    void saveFailed(const SaveFailed& event) override;

    std::uint64_t last = 0;
    bool open = false;
    int lost = 0;
    int unsaved = 0;
    int finished = 0;
    bool throws = false;
    std::function<void(const RenewalStarted& event)> onStarted;
    std::function<void(std::size_t waiters)> onFinished;
    std::function<void()> onFailed;  // of one whose session is still there
    std::function<void(const SessionLost& event)> onLost;

private:
    void note(bool holds, const char* otherwise) const;
    void end(std::uint64_t attempt, const Failure* failure);

    Trace& trace_;
};

class Ledger {
public:
    Ledger(World& world, Endpoint& endpoint, const Storage* storage, SessionLostPolicy policy);

    // Callers.
    void enter(Caller& caller);
    /// A caller sets another session: `visitor`, or none.
    void changes(Caller& caller, int visitor);
    void completed(Caller& caller, const result<SnapshotPtr>& outcome);
    void failed(Caller& caller, const Failure& failure);
    void looked(const SnapshotPtr& snapshot);
    /// Whatever was on its way to the client has arrived.
    void drained();
    void checkDeadlines(const std::deque<std::shared_ptr<Caller>>& callers) const;
    /// Nothing but the storage is under way, and that has had its time.
    static void checkThatNobodyWaits(const std::deque<std::shared_ptr<Caller>>& callers, const char* forWhat);
    /// An API call has its answer.
    void finishedCall(Caller& caller, int status);
    void called(Caller& caller, const std::string& authorization);

    // Exchanges.
    void exchanging(const std::string& body);
    void exchangeEnded(bool sent, bool processed);
    /// Whose session is active cannot be told from now on: a caller has abandoned a change, which may happen or not, or
    /// another process has changed the record, which the client may find or write over. It can be told again once nothing
    /// is under way and a caller sees the tokens that are stored.
    void abandoned() {
        abandoned_ = true;
        atRest_ = false;
    }
    void contested() {
        contested_ = true;
        atRest_ = false;
        purses_.clear();  // if it finds the record of another session, the client begins with a full budget
    }
    bool uncertain() const { return abandoned_ || contested_; }
    bool isContested() const { return contested_; }
    /// Everything has arrived and ended.
    void rests() { atRest_ = waiting_ == 0; }

    /// Something has happened that an exchange may follow at once.
    void mayExchangeOnceMore() {
        ++allowance_;
        ++excuses_;
        failedAt_.reset();
    }
    /// A caller sets tokens of the active session. If they arrive late, that session may have been lost.
    void setsAgain() {
        ++setsAgain_;
        mayExchangeOnceMore();
    }
    void mayReplay() { ++allowance_; }
    /// The control of an ambiguous refusal has succeeded: the refresh token is sent once more within this attempt, or
    /// within the next one, since a success counts for a while.
    void mayRepeat() {
        ++allowance_;
        ++sendsAllowed_;
        controlCountsUntil_ = world_.boot() + detail::ControlState::successCounts;
    }
    /// If this exchange fails, the next one has to wait at least so long.
    void pauses(std::chrono::nanoseconds time) { pauseAsked_ = time; }
    /// This answer is on its way, whole: once its tokens are active the client knows them.
    void delivered(std::string refreshToken) { delivered_ = std::move(refreshToken); }
    void unauthorized(const std::string& what);
    void passed(std::chrono::nanoseconds time);

    void checkObserver() const;
    static void checkSecrets(const Failure& failure);

    const SnapshotPtr& newest() const { return newest_; }
    /// Whose session is active; 0: nobody's, or that is not known.
    int activeVisitor() const;
    /// Whether the client has had this refresh token in the session that is active.
    bool knows(const std::string& refreshToken) const {
        return newest_ && seen_.contains(std::pair(newest_->epoch, refreshToken));
    }
    int era() const { return era_; }
    /// Whether this session is the outcome of all changes so far.
    bool isOfThisEra(const Visitor& whose) const { return whose.era >= era_ || settledEra_ == era_; }
    int exchangeEra() const { return exchangeEra_; }
    bool closed = false;         // somebody has begun to close the client
    bool closedForSure = false;  // and that has arrived
    bool flightTimedOut = false;
    bool storageFailed = false;  // some operation of the storage has not succeeded
    bool wallIsTrue = true;      // it was not set, and the endpoint's agrees
    int initialVisitor = 0;      // the session that there is before the first use
    const std::shared_ptr<Listener> listener;

private:
    void see(const SnapshotPtr& snapshot, int eraBefore);
    void checkLife(const SnapshotPtr& snapshot);
    void becomeCertain();
    void spendPurse();
    void checkFailure(const Caller& caller, const Failure& failure) const;
    int certainEra(int upTo) const;
    int expectedVisitor() const;

    /// Five, and one that has joined the renewal of another caller, who has left before it began.
    static constexpr double mostRefused = 6;
    World& world_;
    Endpoint& endpoint_;
    const Storage* storage_;
    const SessionLostPolicy policy_;
    SnapshotPtr newest_;
    BootTime newestSeenAt_{};
    bool newestIsOld_ = false;  // other tokens may be active, and nobody was given them yet
    int finishedBefore_ = 0;    // renewals, when the newest tokens were seen
    int era_ = 0;
    int setsAgain_ = 0;
    int drainedEra_ = 0;  // the last one that has certainly arrived
    int exchangeEra_ = 0;
    struct Change {
        const Caller* by = nullptr;
        int visitor = 0;
    };
    std::map<int, Change> changes_;
    std::set<std::string> refused_;
    std::set<std::pair<std::uint64_t, std::string>> seen_;
    std::map<std::string, std::uint64_t> firstSeen_;  // access tokens, with their generation
    double allowance_ = 2;
    RenewalReason reason_{};        // of the last exchange
    std::map<int, double> purses_;  // of each visitor, for exchanges because of a 401
    int exchangeVisitor_ = 0;       // of the last exchange; 0: a new one
    bool abandoned_ = false;
    bool contested_ = false;
    bool atRest_ = false;     // since the last change
    int settledEra_ = -1;     // whose session is active could be told again after this change,
    int settledVisitor_ = 0;  // and it was this one's
    int loadsBeforeEnd_ = 0;  // loads of the storage, when the last exchange ended
    int lostBefore_ = 0;
    int waiting_ = 0;     // callers that have entered and were not answered
    int wantingAny_ = 0;  // and those of them for whom a visitor is made
    std::optional<BootTime> failedAt_;
    std::chrono::nanoseconds pauseAsked_{0};
    std::chrono::nanoseconds pause_{0};  // since then
    int excuses_ = 0;                    // for an exchange at once,
    int drainedExcuses_ = 0;             // and those that have certainly arrived
    std::uint64_t attempt_ = 0;          // of the last exchange,
    int sendsOfAttempt_ = 0;             // and its replay
    int sendsAllowed_ = 2;
    BootTime controlCountsUntil_{};
    std::string delivered_;
    std::string renewed_;  // the access token of the last renewal, unless a caller has set others since
};

}  // namespace wix::simulation
