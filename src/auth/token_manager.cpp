#include "auth/token_manager.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <utility>

#include "auth/token_manager_work.hpp"

namespace asio = boost::asio;

namespace wix::detail {
namespace {

constexpr std::chrono::seconds drainTime{5};

TokenPolicy policyOf(const OAuthStrategy& strategy, const Timeouts& timeouts) {
    TokenPolicy policy;
    policy.hasStorage = strategy.storage != nullptr;
    policy.onSessionLost = strategy.onSessionLost;
    policy.windows = strategy.windows;
    policy.leaseLife = timeouts.tokenExchange + 3 * timeouts.storage;
    policy.leaseStart = 2 * timeouts.storage;
    policy.exchangeTime = timeouts.tokenExchange;
    return policy;
}

/// The state has the tokens: nobody else keeps them.
std::shared_ptr<const TokenManagerSetup> withoutTokens(const TokenManagerSetup& setup) {
    const auto made = std::make_shared<TokenManagerSetup>(setup);
    made->strategy.tokens = Tokens();
    return made;
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

TokenManager::TokenManager(const asio::any_io_executor& executor, TokenManagerSetup setup)
    : TokenManager(executor, withoutTokens(setup), setup.storageKey, setup.strategy.tokens) {}

TokenManager::TokenManager(const asio::any_io_executor& executor, std::shared_ptr<const TokenManagerSetup> setup,
                           std::string storageKey, const Tokens& initial)
    : ContextBound(executor), setup_(std::move(setup)), storageKey_(std::move(storageKey)), executor_(executor) {
    if (!initial.empty()) initial_ = std::make_unique<Tokens>(initial);
}

TokenManager::~TokenManager() = default;

std::shared_ptr<TokenManager> TokenManager::self() {
    return std::static_pointer_cast<TokenManager>(shared_from_this());
}

void TokenManager::contextGone() noexcept {
    std::unique_ptr<Work> work;
    SnapshotPtr published;
    const std::lock_guard lock(mutex_);
    executor_ = asio::any_io_executor();
    quietFrom_ = 0;  // unless something is unsaved, nothing is left to do
    try {
        if (auto unsaved = work_ ? work_->state.unsavedTokens() : std::nullopt)
            carried_ = std::make_unique<UnsavedTokens>(std::move(*unsaved));
    } catch (...) {  // out of memory: the session continues with what has been stored
    }
    if (carried_) quietFrom_ = never;
    work = std::move(work_);
    published = std::move(published_);
}

bool TokenManager::hasLostContext() {
    const std::lock_guard lock(mutex_);
    return !executor_;
}

std::unique_ptr<UnsavedTokens> TokenManager::takeUnsavedTokens() {
    const std::lock_guard lock(mutex_);
    return std::move(carried_);
}

void TokenManager::begin(std::unique_ptr<UnsavedTokens> unsaved) {
    const std::lock_guard lock(mutex_);
    carried_ = std::move(unsaved);
    quietFrom_ = never;  // it is not evicted before they are saved
}

// -- Work and rest -----------------------------------------------------------------------------------------------------

/// With the mutex held, and while there is an executor. If it throws, out of memory, nothing is lost.
TokenManager::Work& TokenManager::workForUse() {
    if (!work_) {
        TokenPolicy policy = policyOf(setup().strategy, setup().request.timeouts);
        if (initial_) policy.initial = *initial_;
        if (carried_) policy.unsaved = *carried_;
        work_ = std::make_unique<Work>(executor_, std::move(policy), std::move(rest_));
        initial_.reset();  // the state has them
        carried_.reset();
        rest_ = TokenRest();
    }
    return *work_;
}

bool TokenManager::isIdle() {
    const std::lock_guard lock(mutex_);
    if (work_ && work_->use.use_count() > 1) return false;
    std::atomic_thread_fence(std::memory_order_acquire);  // what was done by those who had a use is seen here
    return quietFrom_ <= setup().clock->boot().time_since_epoch().count();
}

void TokenManager::tellWhetherQuiet() noexcept {
    const bool quiet = work_->state.isQuiet() && !work_->storageRuns;
    quietFrom_ = quiet ? work_->state.nextAttempt().time_since_epoch().count() : never;
}

bool TokenManager::isAtRest() {
    const std::lock_guard lock(mutex_);
    return !work_ && (!carried_ || !executor_);
}

/// Once those who are using the work just now have left.
void TokenManager::restLater() {
    if (std::exchange(work_->restsLater, true)) return;
    try {
        asio::post(work_->strand, [self = self()] {
            self->work_->restsLater = false;
            self->rest();
        });
    } catch (...) {  // out of memory: the next event tries again
        work_->restsLater = false;
    }
}

/// Unless somebody is about to use the work, or will be when a timer's handler or a late storage comes.
void TokenManager::rest() {
    std::unique_ptr<Work> work;
    const std::lock_guard lock(mutex_);
    if (!work_->state.mayRest() || work_->storageRuns || work_->use.use_count() > 1) return;
    rest_ = work_->state.rest();
    work = std::move(work_);
}

// -- The fast path -----------------------------------------------------------------------------------------------------

SnapshotPtr TokenManager::fresh() {
    SnapshotPtr snapshot;
    {
        const std::lock_guard lock(mutex_);
        snapshot = published_;
    }
    if (!snapshot) return nullptr;
    saveAgain();
    const BootTime now = setup().clock->boot();
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
    try {
        postHome([self = self(), generation] {
            self->work_->state.renewAhead(generation, self->setup().clock->now());
            self->perform();
        });
    } catch (...) {  // out of memory: the token still works
        ahead_ = false;
    }
}

// -- Waiting -----------------------------------------------------------------------------------------------------------

/// Posts to the strand, unless the context has gone: handles may outlive it, and be dropped on another thread just then.
template <class Function>
bool TokenManager::postHome(Function function) {
    const std::lock_guard lock(mutex_);
    if (!executor_) return false;
    Work& work = workForUse();
    asio::post(work.strand, [use = work.use, function = std::move(function)] { function(); });
    return true;
}

TokenManager::Operation TokenManager::wait(Event event, WaitLimits limits, bool closes) {
    std::shared_ptr<Wait> waiting;  // null if the context has gone
    const std::lock_guard lock(mutex_);
    if (executor_) {
        Work& work = workForUse();
        waiting = std::make_shared<Wait>(self(), work.use, work.strand, std::move(event), std::move(limits), closes);
    }
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

void TokenManager::abandon() noexcept {
    closed_ = true;
    try {
        {
            const std::lock_guard lock(mutex_);
            rest_.closed = true;
            if (!work_ && (!carried_ || !executor_)) return published_.reset();
        }
        postHome([self = self()] { self->close()(asio::detached); });
    } catch (...) {  // out of memory: what is under way ends by itself
    }
}

void TokenManager::saveAgain() {
    if (!unsaved_.load(std::memory_order_relaxed) || !unsaved_.exchange(false)) return;  // one at a time
    try {
        postHome([self = self()] {
            self->work_->state.saveAgain(self->setup().clock->now());
            self->perform();
        });
    } catch (...) {  // out of memory: the next one tries
        unsaved_ = true;
    }
}

void TokenManager::enter(std::shared_ptr<Wait> wait) {
    wait->id = work_->waits.put(wait);
    if (wait->closes) {
        closed_ = true;
        const std::lock_guard lock(mutex_);
        published_.reset();
    }
    wait->takeEvent()(work_->state, wait->id, setup().clock->now());
    quietFrom_ = never;
    wait->release();
    perform();
}

void TokenManager::stop(Wait& wait, StopReason why) {
    work_->state.cancel(wait.id);
    work_->waits.take(wait.id);
    perform();
    wait.release();
    // The drain has had its time. A closer that is cancelled only leaves: the exchange is finished and stored.
    if (wait.closes && why == StopReason::deadline) work_->abortFlight.request_stop();
    if (wait.closes && why != StopReason::deadline) abandon();
    wait.finish(stopFailure(why, "waiting for a token"));
}

// -- Actions -----------------------------------------------------------------------------------------------------------

/// Carries out what the state wants, until it wants nothing more.
void TokenManager::perform() {
    // A storage in memory answers within its action: its report waits for its turn.
    TokenState& state = work_->state;
    if (std::exchange(work_->performing, true)) return;
    const ResetAtEnd done(work_->performing);
    for (TokenActions actions = state.takeActions(); !actions.empty(); actions = state.takeActions())
        for (TokenAction& action : actions) std::visit([this](auto& what) { perform(what); }, action);
    if (state.exchangeIsStale()) work_->abortFlight.request_stop();  // nobody wants its answer; others wait for its end
    if (!state.isRenewing()) landed();
    tellWhetherQuiet();
    unsaved_ = state.isUnsaved();
    if (state.mayRest()) restLater();
    answer();
}

/// Last of all: who goes on on another thread, and lets go of the session, finds it idle.
void TokenManager::answer() {
    for (CompleteAction& action : std::exchange(work_->answered, {})) {
        const auto outcome = std::make_shared<const result<SnapshotPtr>>(std::move(action.outcome));
        for (const WaiterId id : action.waiters) {
            const auto waiting = work_->waits.take(id);
            if (!waiting) continue;
            try {
                waiting->finish(outcome);
            } catch (...) {  // that caller's executor does not take it: the others are answered all the same
            }
        }
    }
}

void TokenManager::perform(PublishAction& action) {
    if (closed_) return;
    const std::lock_guard lock(mutex_);
    published_ = std::move(action.snapshot);
}

void TokenManager::perform(CompleteAction& action) { work_->answered.push_back(std::move(action)); }

void TokenManager::perform(DropUnsentAction&) { work_->dropUnsent.request_stop(); }

void TokenManager::perform(ObserveAction& action) {
    if (const auto* finished = std::get_if<RenewalFinished>(&action)) observe(&Observer::renewalFinished, *finished);
    if (const auto* failed = std::get_if<RenewalFailed>(&action)) observe(&Observer::renewalFailed, *failed);
    if (const auto* adopted = std::get_if<RenewalAdopted>(&action)) observe(&Observer::renewalAdopted, *adopted);
    if (const auto* lost = std::get_if<SessionLost>(&action)) observe(&Observer::sessionLost, *lost);
    if (const auto* unsaved = std::get_if<SaveFailed>(&action)) observe(&Observer::saveFailed, *unsaved);
}

}  // namespace wix::detail
