#include "http/make_stream_connection.hpp"

namespace wix::detail {

std::shared_ptr<Connection> Connection::makeTls(const boost::asio::any_io_executor& executor, ConnectionSetup setup) {
    return makeStreamConnection<TlsStream>(executor, std::move(setup));
}

}  // namespace wix::detail
