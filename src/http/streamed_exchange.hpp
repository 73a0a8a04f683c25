// An exchange whose bodies are not in memory: piece by piece between a connection and a source, a sink, or both.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "http/connection.hpp"

namespace wix::detail {

inline bool isStreamed(const WireRequest& request) noexcept { return request.source || request.sink; }

/// As Connection::exchange(). At most a few pieces of 64 KiB are in memory. What the source or the sink throws passes
/// through; then the connection is in the middle of something. All that is given must outlive the operation.
boost::asio::awaitable<ExchangeOutcome> streamedExchange(Connection& connection, const WireRequestPtr& request,
                                                         const WaitLimits& limits);

}  // namespace wix::detail
