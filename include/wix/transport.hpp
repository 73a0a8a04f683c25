// The connections that clients share.
#ifndef WIX_TRANSPORT_HPP
#define WIX_TRANSPORT_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

#include <wix/abi.hpp>
#include <wix/config.hpp>
#include <wix/options.hpp>

namespace wix {

namespace detail {
class HttpTransport;
}

/// Open connections and the TLS context they are made with (17 ms of CPU and 0.8 MB with a system's store: make one
/// per io_context, not one per visitor). A handle: copies share the connections. Thread-safe.
///
/// Idle connections keep no work outstanding: `io_context::run()` returns although they are open. In the child of a fork
/// a Transport of the parent fails with Errc::used_after_fork.
class WIX_EXPORT Transport {
public:
    /// Connections live on `executor`, whose context must outlive every operation; the handle may outlive it.
    /// Throws Error with Errc::invalid_argument for malformed options, an unreadable or empty CA file included.
    explicit Transport(boost::asio::any_io_executor executor, TransportOptions options = TransportOptions());

    /// Closes all connections. Requests in flight end with operation_aborted, so do later ones.
    boost::asio::awaitable<void> close() const;
    /// The same, but requests in flight may take until `drain` has passed (0 to 24 h). Ends when the last one has.
    boost::asio::awaitable<void> close(std::chrono::milliseconds drain) const;

    boost::asio::any_io_executor executor() const;
    /// Connections in use or idle. An idle one that the server has closed counts until it is looked at.
    std::size_t openConnections() const;

private:
    friend class Client;
    friend class VisitorSessions;
    std::shared_ptr<detail::HttpTransport> impl_;
};

}  // namespace wix

#endif
