// The only room that knows how TLS is set up: versions, trust, host names.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <memory>

#include <wix/error.hpp>
#include <wix/options.hpp>

#include "http/url.hpp"

namespace wix::detail {

using TlsContextPtr = std::shared_ptr<boost::asio::ssl::context>;

/// A client's context: TLS 1.2 or newer, chain and host verified, the system's store or the given one.
/// Errc::invalid_argument if a CA file or text cannot be read or has no certificate; certificate_untrusted if the
/// system has no store. Build it once: it may be shared by connections of any thread, but not changed.
result<TlsContextPtr> makeTlsContext(const TlsOptions& options);

/// Prepares a connection: SNI for names, and OpenSSL's own check of the name or address in the certificate.
/// `ssl` is an `SSL*`.
bool expectHost(void* ssl, const Origin& origin);

/// Why a handshake with `ssl` (an `SSL*`) failed with `ec`. `what` names the connection.
Failure handshakeFailure(void* ssl, const boost::system::error_code& ec, std::string what);

}  // namespace wix::detail
