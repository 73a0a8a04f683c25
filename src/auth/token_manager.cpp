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

TokenPolicy policyOf(const OAuthStrategy& strategy) {
    TokenPolicy policy;
    policy.initial = strategy.tokens;
    policy.hasStorage = strategy.storage != nullptr;
    policy.onSessionLost = strategy.onSessionLost;
    policy.windows = strategy.windows;
    return policy;
}

/// What a storage has thrown. Foreign exceptions count as "does not answer": their text may hold anything.
Failure storageFailure(const char* what) {
    try {
        throw;
    } catch (const Error& error) {
        return error.failure();
    } catch (...) {
        return Failure(Errc::storage_unavailable, std::string(what) + " the session");
    }
}

}  // namespace

/// A caller that waits for a token. Its home is the manager's strand.
class TokenManager::Wait final : public HomeOperation<result<SnapshotPtr>> {
public:
    Wait(std::shared_ptr<TokenManager> manager, const asio::any_io_executor& strand, Event event, WaitLimits limits)
        : HomeOperation(strand, std::move(limits)), manager_(std::move(manager)), event_(std::move(event)) {}

    void onStart() override { manager_->enter(std::static_pointer_cast<Wait>(shared_from_this())); }
    void onStop(StopReason why) override {
        manager_->leave(id, closes);
        finish(stopFailure(why, "waiting for a token"));
    }

    using HomeOperation::finish;
    Event takeEvent() { return std::exchange(event_, nullptr); }
    WaiterId id = 0;
    bool closes = false;

private:
    std::shared_ptr<TokenManager> manager_;
    Event event_;
};

TokenManager::TokenManager(const asio::any_io_executor& executor, TokenManagerSetup setup)
    : ContextBound(executor),
      setup_(std::move(setup)),
      strand_(asio::make_strand(executor)),
      state_(policyOf(setup_.strategy)) {
    setup_.strategy.tokens = Tokens();  // the state has them
}

std::shared_ptr<TokenManager> TokenManager::self() {
    return std::static_pointer_cast<TokenManager>(shared_from_this());
}

void TokenManager::contextGone() noexcept {
    auto waits = std::exchange(waits_, {});
    strand_ = asio::any_io_executor();
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
    asio::post(strand_, [self = self(), generation] {
        self->state_.renewAhead(generation, self->setup_.clock->now());
        self->perform();
    });
}

// -- Waiting -----------------------------------------------------------------------------------------------------------

TokenManager::Operation TokenManager::wait(Event event, WaitLimits limits) {
    auto waiting = std::make_shared<Wait>(self(), strand_, std::move(event), std::move(limits));
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
    WaitLimits limits(std::chrono::steady_clock::now() + drainTime, std::stop_token());
    auto waiting = std::make_shared<Wait>(
        self(), strand_, [](TokenState& state, WaiterId id, Moment now) { state.close(id, now); }, std::move(limits));
    waiting->closes = true;
    return run(std::move(waiting));
}

void TokenManager::abandon() {
    if (strand_) asio::co_spawn(strand_, close(), asio::detached);
}

void TokenManager::enter(std::shared_ptr<Wait> wait) {
    wait->id = nextId_++;
    waits_.emplace(wait->id, wait);
    if (wait->closes) {
        closed_ = true;
        const std::lock_guard lock(publishedMutex_);
        published_.reset();
    }
    wait->takeEvent()(state_, wait->id, setup_.clock->now());
    perform();
}

void TokenManager::leave(WaiterId id, bool wasClosing) {
    if (wasClosing) abortFlight_.request_stop();
    state_.cancel(id);
    waits_.erase(id);
    perform();
}

// -- Actions -----------------------------------------------------------------------------------------------------------

/// Carries out what the state wants, until it wants nothing more.
void TokenManager::perform() {
    // A storage in memory answers within its action: its report waits for its turn.
    if (std::exchange(performing_, true)) return;
    for (TokenActions actions = state_.takeActions(); !actions.empty(); actions = state_.takeActions())
        for (TokenAction& action : actions) std::visit([this](auto& what) { perform(what); }, action);
    performing_ = false;
    if (!state_.isRenewing()) landed();
}

void TokenManager::perform(PublishAction& action) {
    if (closed_) return;
    const std::lock_guard lock(publishedMutex_);
    published_ = std::move(action.snapshot);
}

void TokenManager::perform(CompleteAction& action) {
    for (const WaiterId id : action.waiters) {
        const auto found = waits_.find(id);
        if (found == waits_.end()) continue;
        const std::shared_ptr<Wait> waiting = std::move(found->second);
        waits_.erase(found);
        waiting->finish(action.outcome);
    }
}

void TokenManager::perform(DropUnsentAction&) { dropUnsent_.request_stop(); }

void TokenManager::perform(LoadAction&) { asio::co_spawn(strand_, load(self()), asio::detached); }

void TokenManager::perform(SaveAction& action) {
    asio::co_spawn(strand_, save(self(), std::move(action)), asio::detached);
}

void TokenManager::perform(ExchangeAction& action) {
    if (action.background) {
        flightSlot_ = setup_.transport->backgroundSlot();
        if (!flightSlot_) {
            const Moment now = setup_.clock->now();
            refusedUntil_ = now.boot + refusedPause;
            return state_.backgroundRefused(now);
        }
    }
    if (!action.replay) flightDeadline_ = std::chrono::steady_clock::now() + setup_.request.timeouts.tokenExchange;
    asio::co_spawn(strand_, exchange(self(), std::move(action)), asio::detached);
}

/// No flight is under way, because it has ended or was not worth it: the next one ahead of need may be asked for.
void TokenManager::landed() {
    flightSlot_.reset();
    aheadNotBefore_ = std::max(refusedUntil_, state_.nextAttempt()).time_since_epoch().count();
    ahead_ = false;
}

asio::awaitable<void> TokenManager::load(std::shared_ptr<TokenManager> self) {
    std::optional<LoadOutcome> outcome;
    try {
        std::optional<StoredTokens> record = co_await self->setup_.strategy.storage->load(self->setup_.storageKey);
        outcome.emplace(std::move(record));
    } catch (...) {
        outcome.emplace(storageFailure("loading"));
    }
    self->state_.loaded(std::move(*outcome), self->setup_.clock->now());
    self->perform();
}

asio::awaitable<void> TokenManager::save(std::shared_ptr<TokenManager> self, SaveAction action) {
    std::optional<SaveOutcome> outcome;
    const std::shared_ptr<TokenStorage> storage = self->setup_.strategy.storage;
    try {
        if (action.tokens.empty()) {
            co_await storage->erase(self->setup_.storageKey);
            outcome.emplace(SaveResult::saved(0));
        } else {
            SaveResult saved = co_await storage->save(self->setup_.storageKey, action.tokens, action.expectedVersion);
            outcome.emplace(std::move(saved));
        }
    } catch (...) {
        outcome.emplace(storageFailure("saving"));
    }
    self->state_.saved(std::move(*outcome), self->setup_.clock->now());
    self->perform();
}

asio::awaitable<void> TokenManager::exchange(std::shared_ptr<TokenManager> self, ExchangeAction action) {
    const Clock& clock = *self->setup_.clock;
    const BootTime started = clock.boot();
    TokenAnswer answer;
    try {
        WireRequest request = self->setup_.request;
        request.body = tokenRequestBody(action.grant, self->setup_.strategy.clientId, action.refreshToken);
        // One visitor more that nobody knows of does no harm: an idle connection that has died costs no error.
        request.idempotent = action.grant == Grant::anonymous;
        WaitLimits limits(self->flightDeadline_, self->abortFlight_.get_token());
        limits.stopUnsent = self->dropUnsent_.get_token();
        result<HttpReply> reply = co_await self->setup_.transport->send(std::move(request), std::move(limits));
        answer = reply.has_value() ? readTokenAnswer(*reply, clock.wall()) : noTokenAnswer(std::move(reply).error());
    } catch (...) {  // out of memory, say: the flight ends all the same
        answer = noTokenAnswer(Failure(Errc::token_unavailable, "POST /oauth2/token could not be sent"));
    }
    self->state_.exchanged(std::move(answer), started, clock.now());
    self->perform();
}

}  // namespace wix::detail
