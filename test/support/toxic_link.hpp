// One connection through a ToxicProxy: two sockets, and a ToxicPipe for each direction.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "support/toxic_proxy.hpp"

namespace wix::test {

/// What a proxy's thread writes and everybody reads.
class CountBoard {
public:
    /// The number of a new connection.
    ConnectionNumber add();
    void write(ConnectionNumber number, const ConnectionCounts& counts);
    std::size_t size() const;
    ProxyCounts read() const;
    bool waitUntil(const std::function<bool(const ProxyCounts&)>& isSo, std::chrono::milliseconds timeout) const;

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    ProxyCounts counts_;
};

/// All of it runs on the proxy's thread. Its coroutines own it.
class ToxicLink : public std::enable_shared_from_this<ToxicLink> {
public:
    ToxicLink(boost::asio::ip::tcp::socket client, CountBoard& board, std::uint64_t seed, const Toxics& up,
              const Toxics& down);

    void start(boost::asio::ip::tcp::endpoint server);

    void set(Direction direction, const Toxics& toxics);
    void release(Direction direction);
    void halfClose(Direction direction);
    /// In order.
    void close();
    void reset();
    /// Tells the client that nothing more comes; the sockets are closed by close().
    void endForClient();
    /// After endForClient(): whether the client's machine has confirmed it, or the connection is gone.
    bool clientKnows();

    ConnectionNumber number() const noexcept { return number_; }
    bool isOver() const noexcept { return over_; }

private:
    using Socket = boost::asio::ip::tcp::socket;

    struct Lane {
        Lane(Direction which, Socket& source, Socket& target, ToxicPipe made);
        Direction direction;
        Socket& from;
        Socket& to;
        ToxicPipe pipe;
        std::string waiting;             // what has arrived and not been passed on
        boost::asio::steady_timer wake;  // the pump waits for it
        boost::asio::steady_timer room;  // the reader waits for it
        bool ended = false;
    };

    boost::asio::awaitable<void> connect(boost::asio::ip::tcp::endpoint server);
    boost::asio::awaitable<void> read(Lane& lane);
    boost::asio::awaitable<void> pump(Lane& lane);
    boost::asio::awaitable<void> forward(Lane& lane, std::size_t bytes);
    void finish(Lane& lane);
    void closeSockets();
    void publish();
    Lane& lane(Direction direction) { return direction == Direction::upstream ? up_ : down_; }

    CountBoard& board_;
    const ConnectionNumber number_;
    Socket client_;
    Socket server_;
    Lane up_;
    Lane down_;
    ConnectionCounts counts_;
    bool clientSpoke_ = false;  // last, of the two
    bool over_ = false;
};

}  // namespace wix::test
