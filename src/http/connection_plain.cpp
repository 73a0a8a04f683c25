#include "http/make_stream_connection.hpp"

namespace wix::detail {

std::shared_ptr<Connection> Connection::makePlain(const boost::asio::any_io_executor& executor, ConnectionSetup setup) {
    return makeStreamConnection<TcpSocket>(executor, std::move(setup));
}

}  // namespace wix::detail
