#include <wix/token_storage.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>

#include "base/clock.hpp"

namespace wix {
namespace {

constexpr std::chrono::milliseconds longestLease = std::chrono::hours(24);

}  // namespace

struct MemoryTokenStorage::Records {
    std::mutex mutex;
    std::map<std::string, StoredTokens> byKey;
    std::uint64_t newestVersion = 0;  // one count for all keys

    std::optional<StoredTokens> load(const std::string& key) {
        const std::lock_guard lock(mutex);
        const auto found = byKey.find(key);
        return found == byKey.end() ? std::nullopt : std::optional(found->second);
    }

    SaveResult save(std::string key, Tokens tokens, std::uint64_t expectedVersion) {
        const std::lock_guard lock(mutex);
        const auto found = byKey.find(key);
        const StoredTokens present = found == byKey.end() ? StoredTokens() : found->second;
        if (present.version != expectedVersion) return SaveResult::conflict(present);
        byKey.insert_or_assign(std::move(key), StoredTokens(std::move(tokens), ++newestVersion));
        return SaveResult::saved(newestVersion);
    }

    void erase(const std::string& key) {
        const std::lock_guard lock(mutex);
        const auto found = byKey.find(key);
        if (found == byKey.end() || found->second.tokens.empty()) return;
        // Kept: other clients would take a session that has ended for one that was never saved.
        found->second = StoredTokens(Tokens(), ++newestVersion);
    }

    using Time = detail::BootTime;  // a lease ends while the machine is suspended, as with other storages
    struct Lease {
        std::uint64_t number = 0;
        Time end;
    };
    std::map<std::string, Lease> leases;
    std::uint64_t newestLease = 0;

    /// The number of the lease; 0 if another holds it.
    std::uint64_t lease(const std::string& key, std::chrono::milliseconds ttl) {
        const std::lock_guard lock(mutex);
        const Time now = detail::Clock::system().boot();
        const auto held = leases.find(key);
        if (held != leases.end() && now < held->second.end) return 0;
        leases[key] = Lease{++newestLease, now + std::clamp(ttl, std::chrono::milliseconds(0), longestLease)};
        return newestLease;
    }

    void release(const std::string& key, std::uint64_t number) {
        const std::lock_guard lock(mutex);
        const auto held = leases.find(key);
        if (held != leases.end() && held->second.number == number) leases.erase(held);  // or it was over
    }
};

MemoryTokenStorage::MemoryTokenStorage() : records_(std::make_shared<Records>()) {}
MemoryTokenStorage::~MemoryTokenStorage() = default;

namespace {

// The operations are lazy: they own what they use, and the storage may be gone when they start.
template <class Records>
boost::asio::awaitable<std::optional<StoredTokens>> loadFrom(std::shared_ptr<Records> records, std::string key) {
    co_return records->load(key);
}

template <class Records>
boost::asio::awaitable<SaveResult> saveTo(std::shared_ptr<Records> records, std::string key, Tokens tokens,
                                          std::uint64_t expectedVersion) {
    co_return records->save(std::move(key), std::move(tokens), expectedVersion);
}

template <class Records>
boost::asio::awaitable<void> eraseFrom(std::shared_ptr<Records> records, std::string key) {
    records->erase(key);
    co_return;
}

/// What a RenewalLease holds.
template <class Records>
class HeldLease {
public:
    HeldLease(std::shared_ptr<Records> records, std::string key, std::uint64_t number)
        : records_(std::move(records)), key_(std::move(key)), number_(number) {}
    HeldLease(const HeldLease&) = delete;
    HeldLease& operator=(const HeldLease&) = delete;
    ~HeldLease() { records_->release(key_, number_); }

private:
    const std::shared_ptr<Records> records_;
    const std::string key_;
    const std::uint64_t number_;
};

template <class Records>
boost::asio::awaitable<std::optional<RenewalLease>> leaseFrom(std::shared_ptr<Records> records, std::string key,
                                                              std::chrono::milliseconds ttl) {
    std::optional<RenewalLease> lease;
    if (const std::uint64_t number = records->lease(key, ttl))
        lease.emplace(std::make_shared<HeldLease<Records>>(std::move(records), std::move(key), number));
    co_return std::move(lease);
}

}  // namespace

boost::asio::awaitable<std::optional<StoredTokens>> MemoryTokenStorage::load(std::string key) {
    return loadFrom(records_, std::move(key));
}

boost::asio::awaitable<SaveResult> MemoryTokenStorage::save(std::string key, Tokens tokens,
                                                            std::uint64_t expectedVersion) {
    return saveTo(records_, std::move(key), std::move(tokens), expectedVersion);
}

boost::asio::awaitable<void> MemoryTokenStorage::erase(std::string key) { return eraseFrom(records_, std::move(key)); }

boost::asio::awaitable<std::optional<RenewalLease>> MemoryTokenStorage::acquireLease(std::string key,
                                                                                     std::chrono::milliseconds ttl) {
    return leaseFrom(records_, std::move(key), ttl);
}

}  // namespace wix
