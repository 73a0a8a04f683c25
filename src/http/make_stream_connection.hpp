// Chooses the strand of a new connection. Included by what instantiates StreamConnection, and by nothing else.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include "http/stream_connection.hpp"

namespace wix::detail {

/// The io_context's own executor behind `executor`, also behind a strand of it; nothing for other contexts.
inline std::optional<boost::asio::io_context::executor_type> ioExecutor(const boost::asio::any_io_executor& executor) {
    namespace asio = boost::asio;
    using Io = asio::io_context::executor_type;
    if (const auto* io = executor.target<Io>()) return *io;
    if (const auto* strand = executor.target<asio::strand<Io>>()) return strand->get_inner_executor();
    if (const auto* strand = executor.target<asio::strand<asio::any_io_executor>>())
        return ioExecutor(strand->get_inner_executor());
    return std::nullopt;
}

/// On an io_context the concrete kind of strand, which costs a few percent less for each call.
template <template <class> class StreamOn>
std::shared_ptr<Connection> makeStreamConnection(const boost::asio::any_io_executor& executor, ConnectionSetup setup) {
    namespace asio = boost::asio;
    if (const auto io = ioExecutor(executor)) {
        using Strand = asio::strand<asio::io_context::executor_type>;
        return std::make_shared<StreamConnection<StreamOn<Strand>>>(asio::make_strand(*io), std::move(setup));
    }
    return std::make_shared<StreamConnection<StreamOn<asio::any_io_executor>>>(asio::make_strand(executor),
                                                                               std::move(setup));
}

}  // namespace wix::detail
