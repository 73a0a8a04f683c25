// The storage lane of TokenManager: one call at a time, and none that is waited for without end.
#include "auth/token_manager.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

#include "auth/token_manager_work.hpp"
#include "base/deadline_check.hpp"
#include "http/header_rules.hpp"
#include "storage/storage_time_limit.hpp"

namespace asio = boost::asio;

namespace wix::detail {
namespace {

/// What a storage gives goes into a header later on: a CR LF in it would be a request of somebody else's making.
bool isUsable(const Tokens& tokens) {
    const auto safe = [](const std::string& value) { return value.empty() || isSafeTokenValue(value); };
    return safe(tokens.accessToken.value) && safe(tokens.refreshToken.value);
}

Failure unusableRecord() {
    return Failure(Errc::storage_damaged, "the stored session: a token has characters that no token has");
}

Failure late(const char* what) { return Failure(Errc::storage_unavailable, std::string(what) + ", no answer"); }

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

// The operations of a storage are made by these, so that it learns how long they may take.

asio::awaitable<std::optional<StoredTokens>> makeLoad(TokenStorage& storage, const std::string& key,
                                                      std::chrono::milliseconds limit) {
    const StorageTimeLimit scope(limit);
    return storage.load(key);
}

asio::awaitable<SaveResult> makeSave(TokenStorage& storage, const std::string& key, const Tokens& tokens,
                                     std::uint64_t expectedVersion, std::chrono::milliseconds limit) {
    const StorageTimeLimit scope(limit);
    return storage.save(key, tokens, expectedVersion);
}

asio::awaitable<void> makeErase(TokenStorage& storage, const std::string& key, std::chrono::milliseconds limit) {
    const StorageTimeLimit scope(limit);
    return storage.erase(key);
}

asio::awaitable<std::optional<RenewalLease>> makeLease(TokenStorage& storage, const std::string& key,
                                                       std::chrono::milliseconds life,
                                                       std::chrono::milliseconds limit) {
    const StorageTimeLimit scope(limit);
    return storage.acquireLease(key, life);
}

}  // namespace

void TokenManager::perform(LoadAction&) {
    try {
        if (beginStorageCall(StorageCall::load)) asio::co_spawn(work_->strand, load(self()), asio::detached);
    } catch (...) {
        storageCannotStart(StorageCall::load);
    }
}

void TokenManager::perform(LeaseAction& action) {
    work_->lease.reset();
    if (action.background && !takeSlot()) return refuseBackground();
    try {
        if (beginStorageCall(StorageCall::lease))
            asio::co_spawn(work_->strand, lease(self(), action.life), asio::detached);
    } catch (...) {
        storageCannotStart(StorageCall::lease);
    }
}

void TokenManager::perform(PauseAction& action) {
    work_->pauseTimer.expires_after(action.time);
    work_->pauseTimer.async_wait(
        [use = std::weak_ptr(work_->use), weak = weak_from_this()](const boost::system::error_code& ec) {
            const auto alive = ec || use.expired() ? nullptr : weak.lock();  // of work that has ended there is no more
            if (!alive) return;
            auto& manager = static_cast<TokenManager&>(*alive);
            manager.work_->state.paused(manager.setup().clock->now());
            manager.perform();
        });
}

void TokenManager::perform(SaveAction& action) {
    try {
        if (beginStorageCall(StorageCall::save))
            asio::co_spawn(work_->strand, save(self(), std::move(action)), asio::detached);
    } catch (...) {
        storageCannotStart(StorageCall::save);
    }
}

/// Out of memory, say: it counts as a call that was not answered.
void TokenManager::storageCannotStart(StorageCall call) {
    work_->storageRuns = false;
    work_->storageTimer.cancel();
    storageIsLate(call);
}

/// False if an earlier call of the storage still hangs: then this one has failed already. A storage that hangs must not
/// take the session with it.
bool TokenManager::beginStorageCall(StorageCall call) {
    ++work_->storageCall;
    work_->storageAwaited = true;
    if (work_->storageRuns) {
        storageIsLate(call);
        return false;
    }
    work_->storageRuns = true;
    watchStorageCall(call, MonotonicClock::now() + setup().request.timeouts.storage);
    return true;
}

/// The storage has time until `deadline`, or longer if that is noticed too late to count.
void TokenManager::watchStorageCall(StorageCall call, SteadyTime deadline) {
    work_->storageTimer.expires_at(deadline);
    work_->storageTimer.async_wait([use = std::weak_ptr(work_->use), weak = weak_from_this(),
                                    number = work_->storageCall, call, deadline](const boost::system::error_code& ec) {
        const auto alive = ec || use.expired() ? nullptr : weak.lock();  // of work that has ended there is no more
        if (!alive) return;
        auto& manager = static_cast<TokenManager&>(*alive);
        if (manager.work_->storageCall != number || !manager.work_->storageAwaited) return;
        const SteadyTime now = MonotonicClock::now();
        DeadlineCheck check;
        check.plan(deadline);
        if (!check.run(now)) return manager.watchStorageCall(call, now + DeadlineCheck::grace);
        manager.storageIsLate(call);
        manager.perform();
    });
}

/// False if nobody waits for it any more: what came of it shows as a conflict with the next one, which does not begin
/// before this one has ended.
bool TokenManager::endStorageCall() {
    work_->storageRuns = false;
    if (!std::exchange(work_->storageAwaited, false)) {
        tellWhetherQuiet();
        if (work_->state.mayRest()) restLater();
        return false;
    }
    work_->storageTimer.cancel();
    return true;
}

void TokenManager::storageIsLate(StorageCall call) {
    work_->storageAwaited = false;
    const Moment now = setup().clock->now();
    switch (call) {
        case StorageCall::load:
            return work_->state.loaded(late("loading the session"), now);
        case StorageCall::lease:
            return work_->state.leased(late("asking for the right to renew"), now);
        case StorageCall::save:
            return work_->state.saved(late("saving the session"), now);
    }
}

// A storage may leave for another thread and end there: each of these goes back to the strand before it reports.

asio::awaitable<void> TokenManager::load(std::shared_ptr<TokenManager> self) {
    const asio::any_io_executor home = self->work_->strand;
    std::optional<LoadOutcome> outcome;
    try {
        std::optional<StoredTokens> record = co_await makeLoad(*self->setup().strategy.storage, self->storageKey_,
                                                               self->setup().request.timeouts.storage);
        const bool usable = !record || isUsable(record->tokens);
        outcome.emplace(std::move(record));
        if (!usable) outcome.emplace(unusableRecord());
    } catch (...) {
        outcome.emplace(storageFailure("loading"));
    }
    co_await asio::dispatch(asio::bind_executor(home, asio::use_awaitable));
    if (!self->endStorageCall()) co_return;
    self->work_->state.loaded(std::move(*outcome), self->setup().clock->now());
    self->perform();
}

asio::awaitable<void> TokenManager::lease(std::shared_ptr<TokenManager> self, std::chrono::milliseconds life) {
    const asio::any_io_executor home = self->work_->strand;
    std::optional<LeaseOutcome> outcome;
    std::optional<RenewalLease> granted;
    try {
        std::optional<RenewalLease> given = co_await makeLease(*self->setup().strategy.storage, self->storageKey_, life,
                                                               self->setup().request.timeouts.storage);
        outcome.emplace(given.has_value());
        if (given) granted.emplace(std::move(*given));
    } catch (...) {
        outcome.emplace(storageFailure("asking for the right to renew"));
    }
    co_await asio::dispatch(asio::bind_executor(home, asio::use_awaitable));
    if (!self->endStorageCall()) co_return;  // too late: it is given back
    if (granted) self->work_->lease.emplace(std::move(*granted));
    self->work_->state.leased(std::move(*outcome), self->setup().clock->now());
    self->perform();
}

asio::awaitable<void> TokenManager::save(std::shared_ptr<TokenManager> self, SaveAction action) {
    const asio::any_io_executor home = self->work_->strand;
    std::optional<SaveOutcome> outcome;
    const std::shared_ptr<TokenStorage> storage = self->setup().strategy.storage;
    const std::chrono::milliseconds limit = self->setup().request.timeouts.storage;
    try {
        if (action.tokens.empty()) {
            co_await makeErase(*storage, self->storageKey_, limit);
            outcome.emplace(SaveResult::saved(0));
        } else {
            SaveResult saved =
                co_await makeSave(*storage, self->storageKey_, action.tokens, action.expectedVersion, limit);
            const bool usable = isUsable(saved.current().tokens);
            outcome.emplace(std::move(saved));
            if (!usable) outcome.emplace(unusableRecord());
        }
    } catch (...) {
        outcome.emplace(storageFailure("saving"));
    }
    co_await asio::dispatch(asio::bind_executor(home, asio::use_awaitable));
    if (!self->endStorageCall()) co_return;
    self->work_->state.saved(std::move(*outcome), self->setup().clock->now());
    self->perform();
}

}  // namespace wix::detail
