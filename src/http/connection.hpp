// One connection to one origin: resolve, connect, handshake, write, read. Lives on a home strand of its own.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <memory>
#include <optional>

#include <wix/error.hpp>
#include <wix/options.hpp>

#include "async/home_operation.hpp"
#include "http/http_reply.hpp"
#include "http/tls_context.hpp"
#include "http/transport_interface.hpp"
#include "http/url.hpp"

namespace wix::detail {

/// What became of an exchange.
struct ExchangeOutcome {
    explicit ExchangeOutcome(result<HttpReply> what) : reply(std::move(what)) {}
    result<HttpReply> reply;
    bool reusable = false;   ///< The connection may carry another request.
    bool sawAnswer = false;  ///< At least one byte of an answer has come.
};

/// Used by one request at a time: whoever holds it calls open() once, then exchange() again and again.
class Connection : public ContextBound {
public:
    /// A connection that is not open yet, on a strand of its own made from `executor`.
    static std::shared_ptr<Connection> makeTls(const boost::asio::any_io_executor& executor, Origin origin,
                                               TlsContextPtr tls);
    static std::shared_ptr<Connection> makePlain(const boost::asio::any_io_executor& executor, Origin origin);

    /// Nothing if it is open now. Fails with one Errc for each cause; no byte of a request has left.
    virtual boost::asio::awaitable<std::optional<Failure>> open(Timeouts timeouts, WaitLimits limits) = 0;

    /// Sends and receives. `request` is copied before it returns. Takes no content coding off.
    virtual boost::asio::awaitable<ExchangeOutcome> exchange(const WireRequest& request, WaitLimits limits) = 0;

    /// Between two exchanges: whether the peer has neither closed it nor sent what nobody asked for.
    virtual bool looksAlive() noexcept = 0;

    /// Ends what is going on with operation_aborted, from any thread.
    virtual void abort() = 0;

    bool isOpen() const noexcept { return open_; }

protected:
    using ContextBound::ContextBound;
    std::atomic<bool> open_ = false;
};

}  // namespace wix::detail
