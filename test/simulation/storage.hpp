// A storage whose every operation waits for the story: to succeed, to fail, to come late, or never. Siblings (other
// programs) change its record meanwhile.
#pragma once

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <wix/error.hpp>
#include <wix/token_storage.hpp>

#include "world.hpp"

namespace wix::simulation {

namespace asio = boost::asio;

/// What becomes of an operation of the storage.
enum class StorageFate { good, unavailable, damaged, throwsSomething, doneButUnavailable };

class Storage final : public TokenStorage {
public:
    explicit Storage(World& world) : world_(world) {}

    asio::awaitable<std::optional<StoredTokens>> load(std::string) override { return load(this); }
    asio::awaitable<SaveResult> save(std::string, Tokens tokens, std::uint64_t expected) override {
        return save(this, std::move(tokens), expected);
    }
    asio::awaitable<void> erase(std::string) override { return erase(this); }
    asio::awaitable<std::optional<RenewalLease>> acquireLease(std::string, std::chrono::milliseconds life) override {
        return lease(this, life);
    }

    bool busy() const { return !waiting_.empty(); }
    /// Whether an exchange of `time` may begin, as far as the lease goes: the client has a lease that lasts so long, or was
    /// refused one for longer than two leases last, or the storage does not work.
    bool letsExchange(std::chrono::nanoseconds time) const {
        return (hasLease() && leaseEnds_ - world_.boot() >= time) || wasLate_ || hangs() ||
               (deniedSince_ && MonotonicClock::now() - *deniedSince_ >= shortestPatience);
    }
    /// An operation has taken longer than anybody waits for it.
    bool hangs() const { return busy() && MonotonicClock::now() - waiting_.front()->since > 5200ms; }
    /// Before the context goes: timers must not outlive it.
    void forget() { waiting_.clear(); }
    /// Ends the oldest operation that waits.
    void finish(StorageFate fate) {
        const auto operation = std::move(waiting_.front());
        waiting_.pop_front();
        endedAt_ = MonotonicClock::now();
        operation->fate = fate;
        operation->wake.cancel();
    }

    /// Not beyond the life of a lease, and not while the client has it.
    void leaseToSibling(std::chrono::milliseconds time) {
        if (hasLease()) return;
        siblingUntil_ = MonotonicClock::now() + std::min<std::chrono::milliseconds>(time, longestLease);
    }

    /// Or was, until a moment ago: who was denied the lease looks again every now and then.
    bool isLeasedToSibling() const {
        return MonotonicClock::now() < (deniedSince_ ? std::max(siblingUntil_, endedAt_) : siblingUntil_) + 600ms;
    }

    /// The machine is suspended for longer than any lease lasts: what has refused the lease to the client is over.
    void sleeps() {
        siblingUntil_ = MonotonicTime();
        if (deniedSince_) deniedSince_ = MonotonicClock::now();
    }

    StoredTokens record;
    StoredTokens loaded;            // the record when the client read it last
    int loads = 0;                  // that the client has begun
    int leases = 0;                 // that the client holds
    std::set<std::string> written;  // refresh tokens that it has had

private:
    struct Operation {
        explicit Operation(const asio::any_io_executor& executor) : wake(executor) {}
        StorageFate fate = StorageFate::good;
        MonotonicTime since = MonotonicClock::now();
        detail::MonotonicTimer wake;
    };

    enum class Asked { load, save, erase, lease };

    /// Waits for its fate; what is to fail before anything was done throws here.
    static asio::awaitable<StorageFate> turn(Storage* self, Asked asked, std::uint64_t what = 0,
                                             std::uint64_t expected = 0) {
        self->world_.renewalEvent();
        self->world_.trace.add(Trace::Kind::storageAsked, {static_cast<std::uint64_t>(asked), what, expected,
                                                           Trace::timeOf(MonotonicClock::now())});
        const auto operation = std::make_shared<Operation>(co_await asio::this_coro::executor);
        self->waiting_.push_back(operation);
        operation->wake.expires_at(MonotonicTime::max());
        boost::system::error_code ended;
        co_await operation->wake.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        if (MonotonicClock::now() - operation->since >= 5s) self->wasLate_ = true;
        self->world_.renewalEvent();
        self->world_.trace.add(Trace::Kind::storageEnded,
                               {static_cast<std::uint64_t>(operation->fate), Trace::timeOf(MonotonicClock::now())});
        if (operation->fate == StorageFate::unavailable)
            throw Error(Errc::storage_unavailable, "the simulated storage");
        if (operation->fate == StorageFate::damaged) throw Error(Errc::storage_damaged, "the simulated storage");
        if (operation->fate == StorageFate::throwsSomething) throw std::runtime_error("SECRET");
        co_return operation->fate;
    }
    static void orUnavailable(StorageFate fate) {
        if (fate == StorageFate::doneButUnavailable) throw Error(Errc::storage_unavailable, "the simulated storage");
    }
    static asio::awaitable<std::optional<StoredTokens>> load(Storage* self) {
        ++self->loads;
        orUnavailable(co_await turn(self, Asked::load));
        self->loaded = self->record;
        std::optional<StoredTokens> found;
        if (self->record.version != 0) found = self->record;
        co_return found;
    }
    static asio::awaitable<SaveResult> save(Storage* self, Tokens tokens, std::uint64_t expected) {
        const StorageFate fate = co_await turn(self, Asked::save, Trace::numberOf(tokens.refreshToken.value), expected);
        if (expected != self->record.version) co_return SaveResult::conflict(self->record);
        self->record = StoredTokens(tokens, ++self->versions_);
        self->written.insert(tokens.refreshToken.value);
        orUnavailable(fate);
        co_return SaveResult::saved(self->record.version);
    }
    static asio::awaitable<std::optional<RenewalLease>> lease(Storage* self, std::chrono::milliseconds life) {
        orUnavailable(co_await turn(self, Asked::lease));
        std::optional<RenewalLease> granted;
        if (MonotonicClock::now() < self->siblingUntil_) {
            if (!self->deniedSince_) self->deniedSince_ = MonotonicClock::now();
            co_return granted;
        }
        self->deniedSince_.reset();
        require(++self->leases == 1, "a second lease beside the first");
        self->leaseEnds_ = self->world_.boot() + life;
        granted.emplace(std::shared_ptr<void>(nullptr, [self](void*) { --self->leases; }));
        co_return granted;
    }
    static asio::awaitable<void> erase(Storage* self) {
        const StorageFate fate = co_await turn(self, Asked::erase);
        if (self->record.version != 0) self->end();
        orUnavailable(fate);
    }

public:
    /// A sibling writes.
    void overwrite(Tokens tokens) {
        written.insert(tokens.refreshToken.value);
        record = StoredTokens(std::move(tokens), ++versions_);
    }
    void remove() { record = StoredTokens(); }
    /// A logout: the record is empty, and newer.
    void end() { record = StoredTokens(Tokens(), ++versions_); }

private:
    World& world_;
    std::deque<std::shared_ptr<Operation>> waiting_;
    bool hasLease() const { return leases > 0 && world_.boot() < leaseEnds_; }

    std::uint64_t versions_ = 0;
    BootTime leaseEnds_{};  // of the client
    static constexpr std::chrono::milliseconds longestLease{30'000};
    static constexpr std::chrono::milliseconds shortestPatience{70'000};
    MonotonicTime siblingUntil_{};
    MonotonicTime endedAt_{};                   // the last operation
    std::optional<MonotonicTime> deniedSince_;  // without being granted since
    bool wasLate_ = false;
};

}  // namespace wix::simulation
