// Where auth/ and call/ meet http/: one request goes out, one answer or one failure comes back.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <wix/body.hpp>
#include <wix/error.hpp>
#include <wix/observer.hpp>
#include <wix/options.hpp>

#include "async/home_operation.hpp"
#include "base/fork_guard.hpp"
#include "http/http_reply.hpp"
#include "http/priority.hpp"
#include "http/retry_quotas.hpp"
#include "http/url.hpp"

namespace wix::detail {

/// A request that has been checked: nothing in it can break the framing.
struct WireRequest {
    WireRequest() = default;

    Origin origin;
    std::string method;
    std::string target;  ///< In origin form.
    /// Without those that the transport writes: Host, Content-Length. Accept-Encoding only if the caller sets it.
    Headers headers;
    std::string body;
    std::shared_ptr<BodySource> source;  ///< Instead of `body`.
    std::shared_ptr<BodySink> sink;      ///< For the body of an answer of 2xx.
    /// Written behind `headers`, unless they are empty. The token belongs to whoever keeps it: most requests carry one,
    /// and it is long.
    std::shared_ptr<const std::string> authorization;
    std::string consistency;  ///< X-Wix-Consistent.
    /// Told of resends; null: nobody.
    std::shared_ptr<Observer> observer;
    /// Whether it may be sent again although the server may have processed it.
    bool idempotent = false;
    /// Whether a request that the server may have seen has been repeated because its connection was stale: once for all
    /// requests of a call. Changed by the transport.
    mutable bool resentOnStale = false;
    int attempt = 1;  ///< Its number among the requests of its call, for events.
    Priority priority = Priority::ordinary;
    Timeouts timeouts;  ///< Those of the phases.
    std::size_t maxHeaderBytes = 64u << 10;
    std::size_t maxBodyBytes = 16u << 20;
    /// A larger body of a status outside 2xx is left out, and the response is complete without it. Unlimited: such a body
    /// has the limit of any other.
    std::size_t maxErrorBodyBytes = std::numeric_limits<std::size_t>::max();
    /// Whether the content coding is undone even if the caller sets Accept-Encoding: the SDK itself reads the body.
    bool decodesAlways = false;

    /// Whether the response's body is handed over in its content coding, as the caller asked for it.
    bool keepsCoding() const noexcept;

    /// For error texts: `POST https://www.wixapis.com/path`, without the query.
    std::string describe() const;
};

/// Not changed while it is being sent.
using WireRequestPtr = std::shared_ptr<const WireRequest>;

class TransportInterface {
public:
    virtual ~TransportInterface() = default;

    /// Errc::used_after_fork in the child of a fork: nothing else of the transport may be used then.
    std::optional<Failure> checkProcess() const { return guard_.check(); }

    /// Sends `request` and gives the whole answer, its content decoded. A failure's `maybeSent` tells whether any byte
    /// of the request has left. It is lazy, and may outlive who called it.
    virtual boost::asio::awaitable<result<HttpReply>> send(WireRequestPtr request, WaitLimits limits) = 0;

    /// Opens a connection for a request that will come soon, if none is idle: a hint that neither fails nor waits. It is
    /// needed while somebody keeps what this gives; null: there is nothing to keep.
    virtual std::shared_ptr<void> openAhead(const WireRequest&) { return nullptr; }

    /// The right to renew ahead of need, until it is dropped; null if enough others do so now.
    virtual std::shared_ptr<void> backgroundSlot() = 0;

    /// From which retries are paid, those of calls and those of its own.
    virtual RetryQuotas& retryQuotas() = 0;

private:
    ForkGuard guard_;
};

}  // namespace wix::detail
