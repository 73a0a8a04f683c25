#include "auth/token_manager.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <utility>

namespace asio = boost::asio;

namespace wix::detail {
namespace {

constexpr std::chrono::seconds drainTime{5};
constexpr std::chrono::seconds refusedPause{1};

TokenPolicy policyOf(const OAuthStrategy& strategy, const Timeouts& timeouts) {
    TokenPolicy policy;
    policy.initial = strategy.tokens;
    policy.hasStorage = strategy.storage != nullptr;
    policy.onSessionLost = strategy.onSessionLost;
    policy.windows = strategy.windows;
    policy.leaseLife = timeouts.tokenExchange + 2 * timeouts.storage;
    return policy;
}

/// Also if an action throws, out of memory: the next event has to be heard.
class ResetAtEnd {
public:
    explicit ResetAtEnd(bool& flag) : flag_(flag) {}
    ~ResetAtEnd() { flag_ = false; }
    ResetAtEnd(const ResetAtEnd&) = delete;
    ResetAtEnd& operator=(const ResetAtEnd&) = delete;

private:
    bool& flag_;
};

}  // namespace

/// A caller that waits for a token. Its home is the manager's strand.
class TokenManager::Wait final : public HomeOperation<result<SnapshotPtr>> {
public:
    Wait(std::shared_ptr<TokenManager> manager, const asio::any_io_executor& strand, Event event, WaitLimits limits,
         bool closing)
        : HomeOperation(strand, std::move(limits)),
          closes(closing),
          manager_(std::move(manager)),
          event_(std::move(event)) {}

    void onStart() override { manager_->enter(std::static_pointer_cast<Wait>(shared_from_this())); }
    void onStop(StopReason why) override {
        manager_->leave(id);
        // The drain has had its time. A closer that is cancelled only leaves: the exchange is finished and stored.
        if (closes && why == StopReason::deadline) manager_->abortFlight_.request_stop();
        if (closes && why != StopReason::deadline) manager_->abandon();
        finish(stopFailure(why, "waiting for a token"));
    }

    using HomeOperation::finish;
    Event takeEvent() { return std::exchange(event_, nullptr); }
    WaiterId id = 0;
    const bool closes;

private:
    std::shared_ptr<TokenManager> manager_;
    Event event_;
};

TokenManager::TokenManager(const asio::any_io_executor& executor, TokenManagerSetup setup)
    : ContextBound(executor),
      setup_(std::move(setup)),
      strand_(asio::make_strand(executor)),
      state_(policyOf(setup_.strategy, setup_.request.timeouts)) {
    setup_.strategy.tokens = Tokens();  // the state has them
}

std::shared_ptr<TokenManager> TokenManager::self() {
    return std::static_pointer_cast<TokenManager>(shared_from_this());
}

void TokenManager::contextGone() noexcept {
    auto waits = std::exchange(waits_, {});
    lease_.reset();
    {
        const std::lock_guard lock(strandMutex_);
        storageTimer_.reset();
        pauseTimer_.reset();
        strand_ = asio::any_io_executor();
    }
    const std::lock_guard lock(publishedMutex_);
    published_.reset();
}

// -- The fast path -----------------------------------------------------------------------------------------------------

SnapshotPtr TokenManager::fresh() {
    SnapshotPtr snapshot;
    {
        const std::lock_guard lock(publishedMutex_);
        snapshot = published_;
    }
    if (!snapshot) return nullptr;
    const BootTime now = setup_.clock->boot();
    const Freshness freshness = snapshot->life.at(now);
    if (freshness == Freshness::fresh) return snapshot;
    if (freshness != Freshness::advisory) return nullptr;
    pokeAhead(snapshot->generation, now);
    return snapshot;
}

/// Asks for a renewal behind the callers, once: thousands of them may come by before it is done.
void TokenManager::pokeAhead(std::uint64_t generation, BootTime now) {
    if (now.time_since_epoch().count() < aheadNotBefore_.load(std::memory_order_relaxed)) return;
    if (ahead_.exchange(true)) return;
    postHome([self = self(), generation] {
        self->state_.renewAhead(generation, self->setup_.clock->now());
        self->perform();
    });
}

// -- Waiting -----------------------------------------------------------------------------------------------------------

/// Posts to the strand, unless its context has gone: handles may outlive it, and be dropped on another thread just then.
template <class Function>
bool TokenManager::postHome(Function function) {
    const std::lock_guard lock(strandMutex_);
    if (!strand_) return false;
    asio::post(strand_, std::move(function));
    return true;
}

TokenManager::Operation TokenManager::wait(Event event, WaitLimits limits, bool closes) {
    std::shared_ptr<Wait> waiting;  // null if the context has gone
    const std::lock_guard lock(strandMutex_);
    if (strand_) waiting = std::make_shared<Wait>(self(), strand_, std::move(event), std::move(limits), closes);
    return run(std::move(waiting));
}

TokenManager::Operation TokenManager::usable(WaitLimits limits) {
    return wait([](TokenState& state, WaiterId id, Moment now) { state.get(id, now); }, std::move(limits));
}

TokenManager::Operation TokenManager::afterUnauthorized(std::uint64_t generation, WaitLimits limits) {
    return wait([generation](TokenState& state, WaiterId id, Moment now) { state.unauthorized(id, generation, now); },
                std::move(limits));
}

TokenManager::Operation TokenManager::renew(WaitLimits limits) {
    return wait([](TokenState& state, WaiterId id, Moment now) { state.renew(id, now); }, std::move(limits));
}

TokenManager::Operation TokenManager::renew(RefreshToken refreshToken, WaitLimits limits) {
    return wait([refreshToken](TokenState& state, WaiterId id, Moment now) { state.renew(id, refreshToken, now); },
                std::move(limits));
}

TokenManager::Operation TokenManager::active(WaitLimits limits) {
    return wait([](TokenState& state, WaiterId id, Moment now) { state.read(id, now); }, std::move(limits));
}

TokenManager::Operation TokenManager::adopt(Tokens tokens, bool thenGet, WaitLimits limits) {
    return wait(
        [tokens, thenGet](TokenState& state, WaiterId id, Moment now) { state.adopt(id, tokens, thenGet, now); },
        std::move(limits));
}

TokenManager::Operation TokenManager::close() {
    WaitLimits limits(MonotonicClock::now() + drainTime, std::stop_token());
    return wait([](TokenState& state, WaiterId id, Moment now) { state.close(id, now); }, std::move(limits), true);
}

void TokenManager::abandon() {
    postHome([self = self()] { self->close()(asio::detached); });
}

void TokenManager::enter(std::shared_ptr<Wait> wait) {
    wait->id = waits_.put(wait);
    if (wait->closes) {
        closed_ = true;
        const std::lock_guard lock(publishedMutex_);
        published_.reset();
    }
    wait->takeEvent()(state_, wait->id, setup_.clock->now());
    perform();
}

void TokenManager::leave(WaiterId id) {
    state_.cancel(id);
    waits_.take(id);
    perform();
}

// -- Actions -----------------------------------------------------------------------------------------------------------

/// Carries out what the state wants, until it wants nothing more.
void TokenManager::perform() {
    // A storage in memory answers within its action: its report waits for its turn.
    if (std::exchange(performing_, true)) return;
    const ResetAtEnd done(performing_);
    for (TokenActions actions = state_.takeActions(); !actions.empty(); actions = state_.takeActions())
        for (TokenAction& action : actions) std::visit([this](auto& what) { perform(what); }, action);
    if (state_.exchangeIsStale()) abortFlight_.request_stop();  // nobody wants its answer, and others wait for its end
    if (!state_.isRenewing()) landed();
    quiet_ = state_.isQuiet();
}

void TokenManager::perform(PublishAction& action) {
    if (closed_) return;
    const std::lock_guard lock(publishedMutex_);
    published_ = std::move(action.snapshot);
}

void TokenManager::perform(CompleteAction& action) {
    const auto outcome = std::make_shared<const result<SnapshotPtr>>(std::move(action.outcome));
    for (const WaiterId id : action.waiters) {
        const auto waiting = waits_.take(id);
        if (!waiting) continue;
        try {
            waiting->finish(outcome);
        } catch (...) {  // that caller's executor does not take it: the others are answered all the same
        }
    }
}

void TokenManager::perform(DropUnsentAction&) { dropUnsent_.request_stop(); }

void TokenManager::perform(ObserveAction& action) {
    if (const auto* finished = std::get_if<RenewalFinished>(&action)) observe(&Observer::renewalFinished, *finished);
    if (const auto* failed = std::get_if<RenewalFailed>(&action)) observe(&Observer::renewalFailed, *failed);
    if (const auto* adopted = std::get_if<RenewalAdopted>(&action)) observe(&Observer::renewalAdopted, *adopted);
    if (const auto* lost = std::get_if<SessionLost>(&action)) observe(&Observer::sessionLost, *lost);
    if (const auto* unsaved = std::get_if<SaveFailed>(&action)) observe(&Observer::saveFailed, *unsaved);
}

/// Whatever it throws is its own affair.
template <class Told>
void TokenManager::observe(void (Observer::*callback)(const Told&), const Told& event) {
    if (!setup_.observer) return;
    try {
        ((*setup_.observer).*callback)(event);
    } catch (...) {
    }
}

void TokenManager::perform(ExchangeAction& action) {
    if (action.background && !flightSlot_ && !takeSlot()) return refuseBackground();
    if (!action.replay) observe(&Observer::renewalStarted, action.flight);
    try {
        abortFlight_ = std::stop_source();  // for this flight, not for one that was stopped before it
        dropUnsent_ = std::stop_source();
        if (!action.replay) flightDeadline_ = MonotonicClock::now() + setup_.request.timeouts.tokenExchange;
        asio::co_spawn(strand_, exchange(self(), std::move(action)), asio::detached);
    } catch (...) {  // out of memory, say: the flight has ended, and the next one may start
        const Moment now = setup_.clock->now();
        state_.exchanged(noTokenAnswer(Failure(Errc::token_unavailable, "POST /oauth2/token could not be started")),
                         now.boot, now);
    }
}

/// The right to renew ahead of need. Nobody waits for that: what goes wrong here is a refusal.
bool TokenManager::takeSlot() noexcept {
    try {
        flightSlot_ = setup_.transport->backgroundSlot();
        return flightSlot_ != nullptr;
    } catch (...) {
        return false;
    }
}

void TokenManager::refuseBackground() {
    const Moment now = setup_.clock->now();
    refusedUntil_ = now.boot + refusedPause;
    state_.backgroundRefused(now);
}

/// No flight is under way, because it has ended or was not worth it: the next one ahead of need may be asked for.
void TokenManager::landed() {
    flightSlot_.reset();
    lease_.reset();
    if (pauseTimer_) pauseTimer_->cancel();
    aheadNotBefore_ = std::max(refusedUntil_, state_.nextAttempt()).time_since_epoch().count();
    ahead_ = false;
}

asio::awaitable<void> TokenManager::exchange(std::shared_ptr<TokenManager> self, ExchangeAction action) {
    const Clock& clock = *self->setup_.clock;
    const BootTime started = clock.boot();
    TokenAnswer answer;
    bool reachedEndpoint = false;
    try {
        WireRequest request = self->setup_.request;
        request.body = tokenRequestBody(action.grant, self->setup_.strategy.clientId, action.refreshToken);
        // One visitor more that nobody knows of does no harm: an idle connection that has died costs no error.
        request.idempotent = action.grant == Grant::anonymous;
        WaitLimits limits(self->flightDeadline_, self->abortFlight_.get_token());
        limits.stopUnsent = self->dropUnsent_.get_token();
        result<HttpReply> reply = co_await self->setup_.transport->send(std::move(request), std::move(limits));
        reachedEndpoint = reply.has_value();
        answer = reply.has_value() ? readTokenAnswer(*reply, clock.wall()) : noTokenAnswer(std::move(reply).error());
        if (reachedEndpoint && answer.verdict != TokenVerdict::granted)
            answer.failure.context += " (" + self->setup_.request.describe() + ")";
    } catch (...) {  // out of memory, say: the flight ends all the same
        answer = noTokenAnswer(Failure(Errc::token_unavailable, "POST /oauth2/token could not be sent"));
    }
    // A replay after the flight's deadline would go out with nobody there to read its answer.
    if (answer.verdict == TokenVerdict::lost && MonotonicClock::now() >= self->flightDeadline_)
        answer.verdict = TokenVerdict::transient;
    self->state_.exchanged(std::move(answer), started, clock.now());
    self->perform();
}

}  // namespace wix::detail
