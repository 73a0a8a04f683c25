// Checks an implementation of TokenStorage against its contract.
#ifndef WIX_TESTING_STORAGE_CONFORMANCE_HPP
#define WIX_TESTING_STORAGE_CONFORMANCE_HPP

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <wix/abi.hpp>
#include <wix/token_storage.hpp>

namespace wix::testing {

/// What the storage under test can do.
struct StorageConformanceOptions {
    StorageConformanceOptions() = default;
    /// A second object over the same data, as another process has. Null: the first object is used again.
    std::shared_ptr<TokenStorage> other;
    /// Begins every key. Records with such keys are written, and are empty or ended afterwards.
    std::string keyPrefix = "conformance";
    /// Whether the storage keeps more than one session. False for a FileTokenStorage of one file.
    bool manyKeys = true;
    /// Whether acquireLease() excludes others. False for a storage that does not override it.
    bool exclusiveLeases = true;
    /// Time to live of the lease whose end is awaited. A lease that has been destroyed, or whose time has passed, must be
    /// granted again within 20 times this time.
    std::chrono::milliseconds leaseTime{100};
};

/// Runs the contract of TokenStorage against `storage`.
///
/// Records are created, changed and ended, so use a storage that holds nothing of value. Each violation is a sentence that
/// names the function and the rule. Exceptions of the storage are violations as well.
///
/// @param storage  Must not be null. It is kept alive until the operation completes.
/// @return The violations in the order of the checks; empty if the storage conforms.
///
/// @par Completion
/// On the caller's executor. Some calls run concurrently: await it on an io_context that one thread runs, or on a strand.
///
/// @par Cancellation
/// Not supported.
///
/// @par Example
/// @code
/// std::vector<std::string> violations = co_await wix::testing::checkTokenStorage(storage);
/// @endcode
boost::asio::awaitable<std::vector<std::string>> checkTokenStorage(
    std::shared_ptr<TokenStorage> storage, StorageConformanceOptions options = StorageConformanceOptions());

}  // namespace wix::testing

#endif
