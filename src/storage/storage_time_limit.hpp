// The time that a storage call may take, for storages of the SDK: the interface has no parameter for it.
#pragma once

#include <chrono>
#include <utility>

#include <wix/options.hpp>

namespace wix::detail {

/// While it exists, operations of a storage that are made on this thread know Timeouts::storage of their client. It spans
/// the making of an operation, never a co_await.
class StorageTimeLimit {
public:
    explicit StorageTimeLimit(std::chrono::milliseconds limit) : outer_(std::exchange(value(), limit)) {}
    StorageTimeLimit(const StorageTimeLimit&) = delete;
    StorageTimeLimit& operator=(const StorageTimeLimit&) = delete;
    ~StorageTimeLimit() { value() = outer_; }

    /// The default of Timeouts::storage if there is no client.
    static std::chrono::milliseconds current() { return value(); }

private:
    static std::chrono::milliseconds& value() {
        static thread_local std::chrono::milliseconds limit = Timeouts().storage;
        return limit;
    }
    const std::chrono::milliseconds outer_;
};

}  // namespace wix::detail
