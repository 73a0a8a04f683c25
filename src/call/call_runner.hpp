// The driver of CallState: authorize, send, renew, wait.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <memory>

#include <wix/options.hpp>

#include "auth/token_manager.hpp"
#include "call/consistency.hpp"
#include "http/transport_interface.hpp"

namespace wix::detail {

/// What a call of a session needs. All of it outlives the call.
struct CallEnvironment {
    CallEnvironment() = default;
    TokenManager* tokens = nullptr;
    TransportInterface* transport = nullptr;
    Consistency* consistency = nullptr;
    const Origin* tokenOrigin = nullptr;  ///< Where the token endpoint is.
    const Clock* clock = &Clock::system();
    RetryOptions retry;
};

/// Sends `request` with the visitor's authorization, and again as CallState decides; follows so many redirects. Gives the
/// last answer, whatever its status. `limits` hold for all of it, the wait for a token included. What the request's body
/// source or sink throws is thrown.
boost::asio::awaitable<result<HttpReply>> runCall(CallEnvironment environment, std::shared_ptr<WireRequest> request,
                                                  WaitLimits limits, int maxRedirects = 0);

}  // namespace wix::detail
