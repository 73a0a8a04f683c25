// One connection to one origin: resolve, connect, tunnel, handshake, write, read. Lives on a home strand of its own.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include <wix/error.hpp>
#include <wix/options.hpp>

#include "async/home_operation.hpp"
#include "http/http_reply.hpp"
#include "http/name_lookup.hpp"
#include "http/tls_context.hpp"
#include "http/transport_interface.hpp"
#include "http/url.hpp"

namespace wix::detail {

/// How a connection is made.
struct ConnectionSetup {
    ConnectionSetup() = default;
    Origin origin;
    TlsContextPtr tls;                          ///< Null for plain HTTP.
    std::shared_ptr<const ProxyOptions> proxy;  ///< The tunnel it goes through; null: none.
    NameLookupFactory lookup = systemLookup;
};

/// What became of an exchange, or of a step of one.
struct ExchangeOutcome {
    explicit ExchangeOutcome(result<HttpReply> what) : reply(std::move(what)) {}
    result<HttpReply> reply;
    bool reusable = false;      ///< The connection may carry another request.
    bool sawAnswer = false;     ///< At least one byte of an answer has come.
    bool isComplete = false;    ///< Nothing more of the answer comes.
    bool foreignBytes = false;  ///< Bytes have come that are no response, not even the head of one.
};

/// Used by one request at a time: whoever holds it calls open() once, then exchange(), or the steps of one, again and
/// again.
class Connection : public ContextBound {
public:
    /// A connection that is not open yet, on a strand of its own made from `executor`.
    static std::shared_ptr<Connection> make(const boost::asio::any_io_executor& executor, ConnectionSetup setup) {
        return setup.tls ? makeTls(executor, std::move(setup)) : makePlain(executor, std::move(setup));
    }

    /// Nothing if it is open now. Fails with one Errc for each cause; no byte of a request has left.
    virtual boost::asio::awaitable<std::optional<Failure>> open(Timeouts timeouts, WaitLimits limits) = 0;

    /// Awaited at once, or not at all.
    using Exchanging = HomeOperation<ExchangeOutcome>::Deferred;

    /// Sends and receives. Takes no content coding off.
    virtual Exchanging exchange(const WireRequestPtr& request, WaitLimits limits) = 0;

    // An exchange in steps, for bodies that are not in memory: sendPart() again and again, then receivePart() until the
    // outcome is complete.

    /// Sends some bytes of `request`; with the first step the count of a new exchange begins. An outcome that saw an
    /// answer asks for receivePart() now: the server does not want the rest.
    virtual Exchanging sendPart(std::string bytes, const WireRequestPtr& request, bool first, WaitLimits limits) = 0;
    /// The head, or more of the body. Of an answer outside 2xx all at once, and complete.
    virtual Exchanging receivePart(const WireRequestPtr& request, WaitLimits limits) = 0;

    /// Between two exchanges: whether the peer has neither closed it nor sent what nobody asked for. Over TLS what has
    /// come is read: session tickets are fine, alerts and data are not. `atSocket`: also since the last read, which costs
    /// a system call.
    virtual bool looksAlive(bool atSocket = true) noexcept = 0;

    /// Ends what is going on with operation_aborted, from any thread.
    virtual void abort() = 0;

    bool isOpen() const noexcept { return open_; }

protected:
    using ContextBound::ContextBound;
    std::atomic<bool> open_ = false;

private:
    static std::shared_ptr<Connection> makeTls(const boost::asio::any_io_executor& executor, ConnectionSetup setup);
    static std::shared_ptr<Connection> makePlain(const boost::asio::any_io_executor& executor, ConnectionSetup setup);
};

}  // namespace wix::detail
