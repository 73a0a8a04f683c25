#include <wix/token_storage.hpp>

namespace wix {

TokenStorage::~TokenStorage() = default;

namespace {

/// Not a member: the operation is lazy, and the storage may be gone when it starts.
boost::asio::awaitable<std::optional<RenewalLease>> grant() {
    std::optional<RenewalLease> lease;
    lease.emplace();
    co_return std::move(lease);
}

}  // namespace

// Within this process a session has one token manager, which renews once at a time: there is nothing to compete with.
boost::asio::awaitable<std::optional<RenewalLease>> TokenStorage::acquireLease(std::string, std::chrono::milliseconds) {
    return grant();
}

}  // namespace wix
