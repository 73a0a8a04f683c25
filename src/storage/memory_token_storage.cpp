#include <wix/token_storage.hpp>

#include <map>
#include <mutex>

namespace wix {

struct MemoryTokenStorage::Records {
    std::mutex mutex;
    std::map<std::string, StoredTokens> byKey;
    std::uint64_t newestVersion = 0;  // one count for all keys: a record that is made anew has a number that is new

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
        byKey.erase(key);
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
    return TokenStorage::acquireLease(std::move(key), ttl);
}

}  // namespace wix
