// The driver of a call: authorize, send, renew, wait.
//
// A coroutine's frame has room for all that any of its paths needs, and Asio keeps no frame for the next call that has more
// than 1 KB, nor more than two. So a call is one coroutine, from its options to what the caller gets, and what most calls
// never come to has frames of its own.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <utility>

#include "call/call.hpp"

namespace wix::detail {

/// Waits for the token of the next request. False: the call has ended with what is in `reply` now.
boost::asio::awaitable<bool> waitForToken(Call& call, result<HttpReply>& reply);

/// Does what comes between `reply` and the next request. False: the call has ended with what is in `reply` now.
boost::asio::awaitable<bool> carryOut(Call& call, CallDecision decision, result<HttpReply>& reply);

/// Runs the call that `operation.begin()` gives, and gives what `operation.end()` makes of its last answer, whatever its
/// status. What they throw is thrown, and what the request's body source or sink throws.
template <class Operation>
boost::asio::awaitable<typename Operation::Result> perform(Operation operation) {
    Call call = operation.begin();
    result<HttpReply> reply = call.checkProcess();
    try {
        while (reply.has_value()) {
            if (!call.hasToken() && !co_await waitForToken(call, reply)) break;
            reply = co_await call.send();
            const CallDecision decision = call.decide(reply);
            if (decision.action == CallDecision::Action::finish) {
                call.end(reply, decision.reason);
                break;
            }
            if (!co_await carryOut(call, decision, reply)) break;
            reply = call.checkProcess();
        }
    } catch (...) {  // of a source or a sink; and Asio throws a cancellation that comes between two operations
        call.threw();
        throw;
    }
    co_return operation.end(std::move(reply));
}

/// The answer as it is.
boost::asio::awaitable<result<HttpReply>> runCall(CallEnvironment environment, std::shared_ptr<WireRequest> request,
                                                  WaitLimits limits, int maxRedirects = 0);

}  // namespace wix::detail
