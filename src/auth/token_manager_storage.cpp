// The storage lane of TokenManager: one call at a time, and none that is waited for without end.
#include "auth/token_manager.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <utility>

#include "http/header_rules.hpp"

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

void TokenManager::perform(LoadAction&) {
    try {
        if (beginStorageCall(true)) asio::co_spawn(strand_, load(self()), asio::detached);
    } catch (...) {
        storageCannotStart(true);
    }
}

void TokenManager::perform(SaveAction& action) {
    try {
        if (beginStorageCall(false)) asio::co_spawn(strand_, save(self(), std::move(action)), asio::detached);
    } catch (...) {
        storageCannotStart(false);
    }
}

/// Out of memory, say: it counts as a call that was not answered.
void TokenManager::storageCannotStart(bool loads) {
    storageRuns_ = false;
    if (storageTimer_) storageTimer_->cancel();
    storageIsLate(loads);
}

/// False if an earlier call of the storage still hangs: then this one has failed already. A storage that hangs must not
/// take the session with it.
bool TokenManager::beginStorageCall(bool loads) {
    const std::uint64_t call = ++storageCall_;
    storageAwaited_ = true;
    if (storageRuns_) {
        storageIsLate(loads);
        return false;
    }
    storageRuns_ = true;
    if (!storageTimer_) storageTimer_.emplace(strand_);
    storageTimer_->expires_after(setup_.request.timeouts.storage);
    storageTimer_->async_wait([weak = weak_from_this(), call, loads](const boost::system::error_code& ec) {
        const auto alive = ec ? nullptr : weak.lock();
        if (!alive) return;
        auto& manager = static_cast<TokenManager&>(*alive);
        if (manager.storageCall_ != call || !manager.storageAwaited_) return;
        manager.storageIsLate(loads);
        manager.perform();
    });
    return true;
}

/// False if nobody waits for it any more: what came of it shows as a conflict with the next one, which does not begin
/// before this one has ended.
bool TokenManager::endStorageCall() {
    storageRuns_ = false;
    if (!std::exchange(storageAwaited_, false)) return false;
    storageTimer_->cancel();
    return true;
}

void TokenManager::storageIsLate(bool loads) {
    storageAwaited_ = false;
    Failure failure(Errc::storage_unavailable,
                    loads ? "loading the session, no answer" : "saving the session, no answer");
    const Moment now = setup_.clock->now();
    if (loads)
        state_.loaded(std::move(failure), now);
    else
        state_.saved(std::move(failure), now);
}

asio::awaitable<void> TokenManager::load(std::shared_ptr<TokenManager> self) {
    std::optional<LoadOutcome> outcome;
    try {
        std::optional<StoredTokens> record = co_await self->setup_.strategy.storage->load(self->setup_.storageKey);
        const bool usable = !record || isUsable(record->tokens);
        outcome.emplace(std::move(record));
        if (!usable) outcome.emplace(unusableRecord());
    } catch (...) {
        outcome.emplace(storageFailure("loading"));
    }
    if (!self->endStorageCall()) co_return;
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
            const bool usable = isUsable(saved.current().tokens);
            outcome.emplace(std::move(saved));
            if (!usable) outcome.emplace(unusableRecord());
        }
    } catch (...) {
        outcome.emplace(storageFailure("saving"));
    }
    if (!self->endStorageCall()) co_return;
    self->state_.saved(std::move(*outcome), self->setup_.clock->now());
    self->perform();
}

}  // namespace wix::detail
