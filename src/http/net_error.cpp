#include "http/net_error.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

namespace asio = boost::asio;

namespace wix::detail {
namespace {

Errc meaning(const boost::system::error_code& ec) noexcept {
    namespace errc = boost::system::errc;
    // The name server does not answer, or says that it cannot know now: not that there is no such name.
    if (ec == asio::error::host_not_found_try_again || ec == asio::error::no_recovery) return Errc::name_unavailable;
    if (ec.category() == asio::error::get_netdb_category() || ec.category() == asio::error::get_addrinfo_category())
        return Errc::name_not_found;
    if (ec == asio::error::connection_refused) return Errc::connection_refused;
    // A firewall answers "permission denied"; a machine without IPv6 "address family" or "cannot assign".
    if (ec == asio::error::network_unreachable || ec == asio::error::host_unreachable ||
        ec == asio::error::network_down || ec == errc::permission_denied || ec == errc::operation_not_permitted ||
        ec == errc::address_not_available || ec == asio::error::address_family_not_supported ||
        ec == asio::error::invalid_argument)
        return Errc::network_unreachable;
    if (ec == asio::error::timed_out) return Errc::timeout;
    if (ec.category() == asio::error::get_ssl_category()) return Errc::tls_failed;
    return Errc::connection_lost;
}

}  // namespace

bool isConnectionEnd(const boost::system::error_code& ec) noexcept {
    return ec == asio::error::eof || ec == asio::ssl::error::stream_truncated || ec == asio::error::connection_reset ||
           ec == asio::error::broken_pipe || ec == asio::error::connection_aborted;
}

Failure netFailure(const boost::system::error_code& ec, std::string what) {
    if (ec == asio::error::operation_aborted) return Failure(ec, std::move(what));
    return Failure(meaning(ec), std::move(what) + " (" + ec.message() + ")");
}

}  // namespace wix::detail
