#include "http/net_error.hpp"

#include <doctest/doctest.h>

#include <openssl/ssl.h>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

using namespace wix;
using namespace wix::detail;
namespace asio = boost::asio;
using boost::system::error_code;
using boost::system::errc::make_error_code;
namespace errc = boost::system::errc;

namespace {

Errc meaningOf(error_code ec) {
    const Failure failure = netFailure(ec, "connecting to https://localhost");
    CHECK(failure.code.category() == errorCategory());
    CHECK(failure.context == "connecting to https://localhost (" + ec.message() + ")");
    CHECK_FALSE(failure.maybeSent);
    return static_cast<Errc>(failure.code.value());
}

const error_code tlsAlert(SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, asio::error::get_ssl_category());

}  // namespace

TEST_CASE("a name that does not resolve, for whatever reason the resolver has") {
    CHECK(meaningOf(asio::error::host_not_found) == Errc::name_not_found);
    CHECK(meaningOf(asio::error::no_data) == Errc::name_not_found);
    CHECK(meaningOf(asio::error::service_not_found) == Errc::name_not_found);
}

TEST_CASE("a name server that cannot say") {
    CHECK(meaningOf(asio::error::host_not_found_try_again) == Errc::name_unavailable);
    CHECK(meaningOf(asio::error::no_recovery) == Errc::name_unavailable);
}

TEST_CASE("nobody listens") { CHECK(meaningOf(asio::error::connection_refused) == Errc::connection_refused); }

TEST_CASE("no way there: routes, firewalls, missing address families") {
    for (const error_code& ec :
         {error_code(asio::error::network_unreachable), error_code(asio::error::host_unreachable),
          error_code(asio::error::network_down), make_error_code(errc::permission_denied),
          make_error_code(errc::operation_not_permitted), make_error_code(errc::address_not_available),
          error_code(asio::error::address_family_not_supported), error_code(asio::error::invalid_argument)}) {
        CAPTURE(ec.message());
        CHECK(meaningOf(ec) == Errc::network_unreachable);
    }
}

TEST_CASE("the kernel's own timeout is a timeout") { CHECK(meaningOf(asio::error::timed_out) == Errc::timeout); }

TEST_CASE("an alert of TLS") {
    CHECK(meaningOf(tlsAlert) == Errc::tls_failed);
    CHECK(meaningOf(error_code(1, asio::error::get_ssl_category())) == Errc::tls_failed);
}

TEST_CASE("everything else has lost the connection") {
    for (const error_code& ec : {error_code(asio::error::eof), error_code(asio::error::connection_reset),
                                 error_code(asio::error::connection_aborted), error_code(asio::error::broken_pipe),
                                 error_code(asio::error::not_connected), error_code(asio::error::bad_descriptor),
                                 error_code(asio::error::no_memory), error_code(asio::error::no_descriptors),
                                 error_code(asio::ssl::error::stream_truncated), make_error_code(errc::io_error)}) {
        CAPTURE(ec.message());
        CHECK(meaningOf(ec) == Errc::connection_lost);
    }
}

TEST_CASE("a cancellation stays one") {
    const Failure failure = netFailure(asio::error::operation_aborted, "connecting");
    CHECK(failure.code == asio::error::operation_aborted);
    CHECK(failure.context == "connecting");
}

TEST_CASE("what means that the other side has ended the connection") {
    for (const error_code& ec : {error_code(asio::error::eof), error_code(asio::ssl::error::stream_truncated),
                                 error_code(asio::error::connection_reset), error_code(asio::error::broken_pipe),
                                 error_code(asio::error::connection_aborted)}) {
        CAPTURE(ec.message());
        CHECK(isConnectionEnd(ec));
    }
    for (const error_code& ec :
         {error_code(), error_code(asio::error::operation_aborted), tlsAlert, error_code(asio::error::timed_out),
          error_code(asio::error::connection_refused), error_code(asio::error::host_unreachable)}) {
        CAPTURE(ec.message());
        CHECK_FALSE(isConnectionEnd(ec));
    }
}
