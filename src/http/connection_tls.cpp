#include "http/make_stream_connection.hpp"

namespace wix::detail {

std::shared_ptr<Connection> Connection::makeTls(const boost::asio::any_io_executor& executor, Origin origin,
                                                TlsContextPtr tls) {
    return makeStreamConnection<TlsStream>(executor, std::move(origin), std::move(tls));
}

}  // namespace wix::detail
