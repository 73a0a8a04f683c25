#include "ledger.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>

namespace wix::simulation {
namespace {

constexpr auto scanInterval = 200ms;    // a deadline may be noticed this much later
constexpr auto servesItsWaiters = 1s;   // a token that is dead on arrival lives so long
constexpr auto shortestPause = 250ms;   // between an exchange that failed and the next one
constexpr double refillSeconds = 0.25;  // and on average between any two
constexpr auto wholeSeconds = 2s;       // the expiry and the endpoint's clock, a second each
constexpr auto exchangeTime = 20s;      // Timeouts::tokenExchange
constexpr double refusedSeconds = 10;   // and between two because of 401s, beyond the first few

std::uint64_t valueOf(const Failure& failure) { return static_cast<std::uint64_t>(failure.code.value()); }

}  // namespace

// -- The observer ------------------------------------------------------------------------------------------------------

void Listener::note(bool holds, const char* otherwise) const {
    require(holds, otherwise);
    if (throws) throw std::runtime_error("SECRET");
}

void Listener::renewalStarted(const RenewalStarted& event) {
    trace_.add(Trace::Kind::renewalStarted, {event.attempt, static_cast<std::uint64_t>(event.reason)});
    onStarted(event);
    const bool alone = !std::exchange(open, true);
    const bool next = event.attempt > std::exchange(last, event.attempt);
    note(alone && next, "the observer was told of a second exchange before the first had ended");
}
void Listener::renewalFinished(const RenewalFinished& event) {
    trace_.add(Trace::Kind::renewalFinished, {event.attempt, event.waiters, event.rotated});
    ++finished;
    onFinished(event.waiters);
    end(event.attempt, nullptr);
}
void Listener::renewalFailed(const RenewalFailed& event) {
    trace_.add(Trace::Kind::renewalFailed, {event.attempt, event.waiters, valueOf(event.failure)});
    end(event.attempt, &event.failure);
}
void Listener::renewalAdopted(const RenewalAdopted& event) {
    trace_.add(Trace::Kind::renewalAdopted, {event.waiters});
    note(true, "");
}
void Listener::end(std::uint64_t attempt, const Failure* failure) {
    if (failure) Ledger::checkSecrets(*failure);
    if (failure && failure->code != boost::asio::error::operation_aborted) onFailed();
    note(std::exchange(open, false) && attempt == last, "the observer was told of an end without a beginning");
}
void Listener::sessionLost(const SessionLost& event) {
    ++lost;
    trace_.add(Trace::Kind::sessionLost, {valueOf(event.failure), event.newVisitor});
    Ledger::checkSecrets(event.failure);
    onLost(event);
    note(true, "");
}
void Listener::saveFailed(const SaveFailed& event) {
    ++unsaved;
    trace_.add(Trace::Kind::saveFailed, {valueOf(event.failure)});
    Ledger::checkSecrets(event.failure);
    note(true, "");
}

void Ledger::checkObserver() const {
    // A caller may set the same session again, and it is lost again.
    require(listener->lost <= endpoint_.rejected() + (endpoint_.rejected() > 0 ? era_ + setsAgain_ : 0),
            "a session was reported lost that was never rejected");
}

void Ledger::checkSecrets(const Failure& failure) {
    const std::string all = failure.context + failure.code.message() + failure.requestId + Error(failure).what();
    require(all.find("SECRET") == std::string::npos, "a secret is in an error: " + all);
}

Ledger::Ledger(World& world, Endpoint& endpoint, const Storage* storage, SessionLostPolicy policy)
    : listener(std::make_shared<Listener>(world.trace)),
      world_(world),
      endpoint_(endpoint),
      storage_(storage),
      policy_(policy) {
    listener->onFinished = [this](std::size_t waiters) {
        endpoint_.learned(delivered_);
        renewed_ = endpoint_.lastIssued();
        require(waiters <= static_cast<std::size_t>(waiting_), "a renewal served more callers than there are");
    };
    listener->onStarted = [this](const RenewalStarted& event) {
        reason_ = event.reason;
        // The pause that a response asks for is one after its own exchange. That one may have ended without a failure,
        // because a caller has replaced its session.
        pauseAsked_ = 0s;
    };
    listener->onLost = [this](const SessionLost& event) {
        const bool may = event.role != TokenRole::member && policy_ == SessionLostPolicy::newVisitor;
        require(event.newVisitor == may, "what follows a lost session was told wrongly");
        // Only a dead refresh token ends a session, whatever a firewall says about it.
        require(exchangeVisitor_ != 0 && endpoint_.visitor(exchangeVisitor_).isRejected(),
                "a session was lost and its refresh token still works");
        if (!storage_) return;
        require(storage_->loads > loadsBeforeEnd_, "a session was lost and the storage was not asked for a newer one");
        // What a caller has set and could not be saved goes before what is stored; and no member becomes a visitor.
        if (storageFailed || abandoned_ || era_ != drainedEra_ || storage_->loaded.tokens.empty()) return;
        const RefreshToken& refresh = storage_->loaded.tokens.refreshToken;
        if (event.role == TokenRole::member && refresh.role != TokenRole::member) return;
        require(!endpoint_.current(refresh.value), "a session was lost although another program had renewed it");
    };
    listener->onFailed = [this] {
        pause_ = std::max<std::chrono::nanoseconds>(std::exchange(pauseAsked_, 0s), shortestPause);
        if (excuses_ == drainedExcuses_) failedAt_ = world_.boot();
    };
}

// -- Callers -----------------------------------------------------------------------------------------------------------

void Ledger::enter(Caller& caller) {
    caller.entered = true;
    ++waiting_;
    if (caller.wants == Caller::Wants::usable || caller.wants == Caller::Wants::call) caller.wantsAny = true;
    wantingAny_ += caller.wantsAny;
    caller.closedBefore = closed;
    // A call may take the token that is there while a change is still on its way.
    caller.eraBefore = caller.wants == Caller::Wants::call ? drainedEra_ : era_;
    caller.seenBefore = newest_ ? newest_->generation : 0;
}

void Ledger::changes(Caller& caller, int visitor) {
    caller.era = ++era_;
    atRest_ = false;
    world_.renewalEvent();
    if (visitor) endpoint_.visitor(visitor).era = era_;
    changes_[era_] = Change{&caller, visitor};
    renewed_.clear();
    mayExchangeOnceMore();
}

/// The last change before `upTo` that has certainly happened: nobody gave up waiting for it.
int Ledger::certainEra(int upTo) const {
    for (int era = upTo; era > 0; --era)
        if (!changes_.at(era).by->given) return era;
    return 0;
}

int Ledger::activeVisitor() const {
    const bool current = newest_ && !newestIsOld_ && !uncertain() && finishedBefore_ == listener->finished;
    return current && !newest_->tokens.empty() ? Endpoint::idOf(newest_->tokens.refreshToken.value) : 0;
}

/// Whose session it is, as far as the callers' wishes go; 0: nobody's.
int Ledger::expectedVisitor() const {
    const int active = activeVisitor();
    if (active != 0 && isOfThisEra(endpoint_.visitor(active))) return active;
    if (settledEra_ == era_) return settledVisitor_;
    return era_ == 0 ? initialVisitor : changes_.at(era_).visitor;
}

void Ledger::see(const SnapshotPtr& snapshot, int eraBefore) {
    require(snapshot != nullptr, "a null snapshot");
    if (newest_ && snapshot->generation == newest_->generation)
        require(snapshot == newest_, "two sets of the same generation");
    if (!newest_ || snapshot->generation > newest_->generation) {
        require(!newest_ || snapshot->epoch >= newest_->epoch, "an older epoch was published");
        newest_ = snapshot;
        newestIsOld_ = false;
        newestSeenAt_ = world_.boot();
        finishedBefore_ = listener->finished;
    }
    if (snapshot == newest_) becomeCertain();
    const Tokens& tokens = snapshot->tokens;
    world_.trace.add(Trace::Kind::published,
                     {snapshot->generation, Trace::numberOf(tokens.refreshToken.value),
                      Trace::numberOf(tokens.accessToken.value), Trace::timeOf(snapshot->life.advisory),
                      Trace::timeOf(snapshot->life.mandatory), Trace::timeOf(snapshot->life.dead)});
    if (tokens.empty()) return;
    const std::string& refresh = tokens.refreshToken.value;
    require(Endpoint::isOurs(refresh), "a refresh token that nobody has issued");
    endpoint_.learned(refresh);
    const Visitor& whose = endpoint_.visitorOf(refresh);
    require(tokens.refreshToken.role == whose.role, "the role has changed");
    require(whose.era >= certainEra(eraBefore),
            "tokens of visitor " + std::to_string(Endpoint::idOf(refresh)) + ", whom a caller had replaced before");
    if (storage_ && !storage_->written.contains(refresh))
        require(listener->unsaved > 0, "tokens were published before they were saved, and nobody was told");
    seen_.emplace(snapshot->epoch, refresh);
    if (tokens.accessToken.value.empty()) return;
    require(Endpoint::idOf(tokens.accessToken.value) == Endpoint::idOf(refresh), "tokens of two sessions in one set");
    const auto expiry = endpoint_.expiryOf(tokens.accessToken.value);
    require(expiry.has_value(), "an access token that nobody has issued");
    checkLife(snapshot);
}

void Ledger::checkLife(const SnapshotPtr& snapshot) {
    const std::string& access = snapshot->tokens.accessToken.value;
    const BootTime expiry = *endpoint_.expiryOf(access);
    const auto worksUntil = endpoint_.worksUntil(access);
    const bool isNew = firstSeen_.emplace(access, snapshot->generation).first->second == snapshot->generation;
    // Tokens that a caller or a record brings have their expiry in whole seconds, and the endpoint's clock is known to the
    // second: by these two such a token may seem to live shorter than if the response itself brings it.
    const bool byResponse = isNew && snapshot->life.obtained == endpoint_.sentAt(access);
    if (worksUntil)
        require(snapshot->life.dead >= *worksUntil - (byResponse ? 0s : wholeSeconds),
                "a token is believed to live shorter than it does");
    if (wallIsTrue || worksUntil)
        require(snapshot->life.dead <= std::max(expiry, snapshot->life.obtained) + servesItsWaiters,
                "a token is believed to live longer than it does");
}

/// All changes have arrived or were dropped, and the newest tokens are the active ones.
void Ledger::becomeCertain() {
    if (!uncertain() || !atRest_ || (storage_ && storage_->record.tokens != newest_->tokens)) return;
    abandoned_ = contested_ = newestIsOld_ = false;
    finishedBefore_ = listener->finished;
    settledEra_ = era_;
    settledVisitor_ = newest_->tokens.empty() ? 0 : Endpoint::idOf(newest_->tokens.refreshToken.value);
    failedAt_.reset();  // another session may have begun since
}

void Ledger::completed(Caller& caller, const result<SnapshotPtr>& outcome) {
    require(++caller.completions == 1, "a caller was answered twice");
    world_.trace.add(Trace::Kind::completed, {caller.index, outcome.has_error() ? valueOf(outcome.error()) : 0});
    if (caller.entered) {
        --waiting_;
        wantingAny_ -= caller.wantsAny;
    }
    if (outcome.has_error()) return failed(caller, outcome.error());
    if (caller.wants == Caller::Wants::end) return;
    require(!caller.closedBefore, "a caller got tokens of a client that was closed before");
    see(*outcome, caller.eraBefore);
    require((*outcome)->generation >= caller.seenBefore, "a caller got an older generation than had been seen before");
    if (caller.wants == Caller::Wants::newer)
        require((*outcome)->generation > caller.seenBefore, "a forced renewal gave what was there before");
    if (caller.wants == Caller::Wants::usable || caller.wants == Caller::Wants::newer)
        require(!(*outcome)->tokens.accessToken.value.empty(), "a caller got no access token");
    // Those who waited for it have it, however late it came.
    const auto worksUntil = endpoint_.worksUntil((*outcome)->tokens.accessToken.value);
    if (caller.wants == Caller::Wants::usable && worksUntil && *outcome == newest_ && newestSeenAt_ < world_.boot())
        require(world_.boot() < std::max(*worksUntil, (*outcome)->life.obtained + servesItsWaiters),
                "a caller got a dead token");
}

void Ledger::failed(Caller& caller, const Failure& failure) {
    const bool gaveUp = failure.code == boost::asio::error::operation_aborted || failure.code == Errc::timeout;
    caller.failure = failure.context + ": " + failure.code.message();
    if (caller.era != 0 && gaveUp) {
        caller.given = true;
        abandoned();
    }
    if (caller.era != 0) newestIsOld_ = true;  // they may be active although they could not be saved
    checkFailure(caller, failure);
}

void Ledger::looked(const SnapshotPtr& snapshot) {
    if (!snapshot) return;
    require(!closedForSure, "a closed client gave a token");
    require(!newest_ || snapshot->generation >= newest_->generation, "the fast path went back to an older generation");
    see(snapshot, drainedEra_);
}

void Ledger::checkFailure(const Caller& caller, const Failure& failure) const {
    checkSecrets(failure);
    const auto& code = failure.code;
    if (code == boost::asio::error::operation_aborted)
        return require(caller.given || closed, "a caller was aborted that nobody had cancelled");
    if (code == Errc::timeout && (MonotonicClock::now() >= caller.deadline || caller.wants == Caller::Wants::end))
        return;
    if (code == Errc::timeout) require(flightTimedOut, "a caller timed out before its deadline");
    if (code == Errc::no_session)
        return require(caller.wants != Caller::Wants::usable, "a caller that wants any session was told there is none");
    if (code == Errc::session_lost)
        return require(policy_ == SessionLostPolicy::fail && endpoint_.rejected() > 0,
                       "a session was lost without reason");
    if (code == Errc::session_expired)
        return require(endpoint_.rejected() > 0, "a member's session expired without reason");
    if (code == Errc::storage_unavailable || code == Errc::storage_damaged)
        require(storageFailed, "the storage was blamed and had done nothing");
    else if (caller.wants == Caller::Wants::usable)
        require(failure.retryAt.has_value(), "a caller was not told when the next try is");
    // While a token works, nobody fails because a renewal has failed.
    if (activeVisitor() == 0 || caller.wants != Caller::Wants::usable) return;
    const std::string& access = newest_->tokens.accessToken.value;
    if (access.empty() || !isOfThisEra(endpoint_.visitorOf(access))) return;
    if (!renewed_.empty() && access != renewed_) return;  // no caller has got the tokens of the last renewal yet
    require(!endpoint_.accessValid(access) || newest_->life.at(world_.boot()) == detail::Freshness::dead,
            "a caller failed although the token still works: " + failure.context);
}

void Ledger::drained() {
    if (closed) closedForSure = true;
    drainedEra_ = era_;
    drainedExcuses_ = excuses_;
}

void Ledger::checkDeadlines(const std::deque<std::shared_ptr<Caller>>& callers) const {
    for (const auto& caller : callers)
        if (caller->entered && caller->completions == 0 && caller->deadline != MonotonicTime::max())
            require(MonotonicClock::now() <= caller->deadline + scanInterval, "a caller waits beyond its deadline");
}

void Ledger::checkThatNobodyWaits(const std::deque<std::shared_ptr<Caller>>& callers, const char* forWhat) {
    for (const auto& caller : callers)
        require(!caller->entered || caller->completions > 0 || caller->wants == Caller::Wants::call ||
                    caller->wants == Caller::Wants::end,
                forWhat);
}

void Ledger::finishedCall(Caller& caller, int status) {
    require(++caller.completions == 1, "a call was answered twice");
    world_.trace.add(Trace::Kind::callEnded, {caller.index, static_cast<std::uint64_t>(status)});
    --waiting_;
    wantingAny_ -= caller.wantsAny;
}

void Ledger::called(Caller& caller, const std::string& authorization) {
    world_.trace.add(Trace::Kind::callSent, {caller.index, Trace::numberOf(authorization)});
    require(++caller.sends <= 2, "a request was sent more than twice because of 401");
    require(Endpoint::isOurs(authorization), "a request without a token");
    require(endpoint_.visitorOf(authorization).era >= certainEra(caller.eraBefore),
            "a request went out with a token of a session that had been replaced before");
}

// -- Exchanges ---------------------------------------------------------------------------------------------------------

void Ledger::exchanging(const std::string& body) {
    world_.renewalEvent();
    world_.trace.add(Trace::Kind::exchangeStarted,
                     {Trace::numberOf(body), Trace::timeOf(world_.boot()), Trace::timeOf(MonotonicClock::now())});
    exchangeEra_ = era_;
    allowance_ += listener->lost - lostBefore_;  // what follows a rejection needs no pause
    if (std::exchange(lostBefore_, listener->lost) != listener->lost) failedAt_.reset();
    sendsOfAttempt_ = std::exchange(attempt_, listener->last) == listener->last ? sendsOfAttempt_ + 1 : 1;
    if (sendsOfAttempt_ == 1) {
        const bool repeats = world_.boot() <= controlCountsUntil_;
        sendsAllowed_ = repeats ? 3 : 2;
        allowance_ += repeats ? 1 : 0;
    }
    require(sendsOfAttempt_ <= sendsAllowed_, "a lost answer was asked for more than once again");
    const auto time = sendsOfAttempt_ == 1 ? exchangeTime : 1ns;  // the replay is within the time of the first
    require(!storage_ || storageFailed || storage_->letsExchange(time), "an exchange without the lease");
    const auto token = body.find(Endpoint::refreshMark);
    exchangeVisitor_ = token == std::string::npos ? 0 : Endpoint::idOf(body.substr(token));
    if (reason_ == RenewalReason::unauthorized && sendsOfAttempt_ == 1) spendPurse();
    require(!failedAt_ || uncertain() || world_.boot() - *failedAt_ >= pause_,
            "an exchange too soon after one that has failed");
    pauseAsked_ = 0s;
    require(allowance_ >= 1, "exchanges without need or pause");
    allowance_ -= 1;
    if (body.find("anonymous") != std::string::npos && sendsOfAttempt_ == 1)
        require(wantingAny_ > 0 || listener->lost > 0, "a visitor is made for nobody");
    // A change that is on its way may arrive a moment later than what this exchange is for.
    if (uncertain() || era_ > drainedEra_ || body.find("anonymous") == std::string::npos) return;
    const int whose = expectedVisitor();
    if (whose == 0) return;
    const Visitor& before = endpoint_.visitor(whose);
    require(before.role == TokenRole::visitor, "a member became a visitor");
    require(before.isRejected() && policy_ == SessionLostPolicy::newVisitor,
            "a visitor was replaced without a rejection");
}

/// Each session has a budget of its own, since some 401s are about a permission and no renewal cures them.
void Ledger::spendPurse() {
    if (exchangeVisitor_ == 0) return;
    double& left = purses_.try_emplace(exchangeVisitor_, mostRefused).first->second;
    require((left -= 1) > -0.001, "401s that a renewal does not cure cause exchange after exchange");
}

void Ledger::exchangeEnded(bool sent, bool processed) {
    loadsBeforeEnd_ = storage_ ? storage_->loads : 0;
    world_.renewalEvent();
    world_.trace.add(Trace::Kind::exchangeEnded, {sent, processed, Trace::timeOf(world_.boot())});
}

void Ledger::unauthorized(const std::string& what) {
    if (refused_.insert(what).second) mayExchangeOnceMore();
}

/// What has not been used up in a while is not saved up: a hot loop shows.
void Ledger::passed(std::chrono::nanoseconds time) {
    const double seconds = std::chrono::duration<double>(time).count();
    const double more = seconds / refillSeconds;
    for (auto& [visitor, left] : purses_) left = std::min(left + seconds / refusedSeconds, mostRefused);
    allowance_ = std::max(allowance_, std::min(allowance_ + more, 2.0));
}

}  // namespace wix::simulation
