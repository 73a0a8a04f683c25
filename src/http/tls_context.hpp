// The only room that knows how TLS is set up: versions, trust, host names, pins, sessions.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <wix/error.hpp>
#include <wix/options.hpp>

#include "http/tls_pins.hpp"
#include "http/tls_sessions.hpp"
#include "http/url.hpp"

namespace wix::detail {

/// A client's side of TLS: chain and host verified, by the system's store or the given one. Made once and shared by
/// connections of any thread; it must outlive their streams. Nothing of it changes but the sessions to resume.
///
/// `ssl` is an `SSL*` of a stream that was made from native(), once prepared.
class TlsContext {
public:
    explicit TlsContext(TlsPins pins);
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    boost::asio::ssl::context& native() noexcept { return context_; }

    /// Before a handshake: SNI for names, OpenSSL's own check of the name or address in the certificate, and a session
    /// to resume if there is one. False: the host cannot be verified.
    bool prepare(void* ssl, const Origin& origin);
    /// After a handshake that succeeded.
    void opened(void* ssl) noexcept;
    /// Why a handshake failed with `ec`. `what` names the connection.
    Failure handshakeFailure(void* ssl, const boost::system::error_code& ec, std::string what);

    std::uint64_t resumedHandshakes() const noexcept { return resumed_; }

private:
    const TlsPins pins_;
    const std::shared_ptr<TlsSessions> sessions_;
    std::atomic<std::uint64_t> resumed_{0};
    boost::asio::ssl::context context_;
};

using TlsContextPtr = std::shared_ptr<TlsContext>;

/// Errc::invalid_argument names the option that is wrong; certificate_untrusted if the system has no store.
result<TlsContextPtr> makeTlsContext(const TlsOptions& options);

/// Whether there is something in `options` that can be wrong, apart from the system's store.
bool namesFilesOrPins(const TlsOptions& options) noexcept;

/// Whether `ec`, of a read before the first byte of an answer, is the server's alert about the client's certificate, or
/// the lack of one. In TLS 1.3 it comes after the client's side of the handshake, and with it nothing was processed.
bool refusesClientCertificate(const boost::system::error_code& ec) noexcept;

}  // namespace wix::detail
