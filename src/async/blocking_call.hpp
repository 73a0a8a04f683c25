// How a coroutine waits for a call that blocks.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <wix/error.hpp>
#include <wix/offload.hpp>

namespace wix::detail {

struct BlockingCallOptions {
    BlockingCallOptions() = default;
    std::string key;                                             ///< Calls of one key run in order; empty: no order.
    std::chrono::milliseconds startWithin = defaultStartWithin;  ///< The call fails if it cannot begin in time.
    bool cancellable = false;                                    ///< A cancelled caller stops waiting at once.
    std::string what;                                            ///< Begins the text of a failure.
};

/// Performs `work` on a blocking thread. Completes on the caller's executor with nothing, or with the reason why the
/// outcome of `work` is not known: operation_aborted, Errc::storage_unavailable, Errc::used_after_fork. Work that has been
/// handed over is performed even if the caller's context ends.
boost::asio::awaitable<std::optional<Failure>> performBlocking(std::shared_ptr<BlockingWork> work,
                                                               BlockingCallOptions options);

}  // namespace wix::detail
