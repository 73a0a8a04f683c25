#include "support/toxic_link.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace wix::test {
namespace {

/// Small, so that a slow direction slows its sender soon.
constexpr std::size_t mostWaiting = 64u << 10;

using Time = ToxicPipe::Time;
Time now() { return std::chrono::steady_clock::now(); }
auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

}  // namespace

ToxicLink::Lane::Lane(Direction which, Socket& source, Socket& target, ToxicPipe made)
    : direction(which),
      from(source),
      to(target),
      pipe(std::move(made)),
      wake(source.get_executor(), Time::max()),
      room(source.get_executor(), Time::max()) {}

ToxicLink::ToxicLink(Socket client, CountBoard& board, std::uint64_t seed, const Toxics& up, const Toxics& down)
    : board_(board),
      number_(board.add()),
      client_(std::move(client)),
      server_(client_.get_executor()),
      up_(Direction::upstream, client_, server_, ToxicPipe(seed + 2 * number_, up, now())),
      down_(Direction::downstream, server_, client_, ToxicPipe(seed + 2 * number_ + 1, down, now())) {
    counts_.open = true;
}

void ToxicLink::start(tcp::endpoint server) {
    asio::co_spawn(
        client_.get_executor(), [self = shared_from_this(), server] { return self->connect(server); }, asio::detached);
}

asio::awaitable<void> ToxicLink::connect(tcp::endpoint server) {
    const auto self = shared_from_this();
    error_code error, ignored;
    client_.set_option(tcp::no_delay(true), ignored);
    co_await server_.async_connect(server, into(error));
    if (over_) co_return;
    if (error) {
        reset();
        co_return;
    }
    server_.set_option(tcp::no_delay(true), ignored);
    for (Lane* each : {&up_, &down_}) {
        asio::co_spawn(client_.get_executor(), read(*each), [self](std::exception_ptr) {});
        asio::co_spawn(client_.get_executor(), pump(*each), [self](std::exception_ptr) {});
    }
}

asio::awaitable<void> ToxicLink::read(Lane& lane) {
    std::array<char, 16u << 10> chunk;
    for (;;) {
        error_code error;
        while (!over_ && lane.waiting.size() >= mostWaiting) co_await lane.room.async_wait(into(error));
        if (over_) co_return;
        const std::size_t size = co_await lane.from.async_read_some(asio::buffer(chunk), into(error));
        if (over_) co_return;
        if (error && error != asio::error::eof) {
            reset();
            co_return;
        }
        if (error) {
            lane.pipe.ended(now());
        } else {
            lane.pipe.arrived(size, now());
            if (lane.direction == Direction::upstream && !std::exchange(clientSpoke_, true)) ++counts_.flights;
        }
        lane.waiting.append(chunk.data(), size);
        lane.wake.cancel();
        publish();
        if (error) co_return;
    }
}

asio::awaitable<void> ToxicLink::pump(Lane& lane) {
    while (!over_) {
        const PipeStep step = lane.pipe.next(now());
        error_code ignored;
        switch (step.kind) {
            case PipeStep::Kind::wait:
                lane.wake.expires_at(step.until);
                co_await lane.wake.async_wait(into(ignored));
                break;
            case PipeStep::Kind::forward:
                co_await forward(lane, step.bytes);
                break;
            case PipeStep::Kind::discard:
                lane.waiting.erase(0, step.bytes);
                lane.room.cancel();
                break;
            case PipeStep::Kind::endOfStream:
                lane.to.shutdown(tcp::socket::shutdown_send, ignored);
                break;
            case PipeStep::Kind::over:
                finish(lane);
                co_return;
            case PipeStep::Kind::close:
                close();
                break;
            case PipeStep::Kind::reset:
                reset();
                break;
        }
        publish();
    }
}

asio::awaitable<void> ToxicLink::forward(Lane& lane, std::size_t bytes) {
    const std::string packet = lane.waiting.substr(0, bytes);
    lane.waiting.erase(0, bytes);
    lane.room.cancel();
    if (lane.direction == Direction::downstream) clientSpoke_ = false;
    error_code error;
    co_await asio::async_write(lane.to, asio::buffer(packet), into(error));
    if (over_) co_return;
    if (error) {
        reset();
        co_return;
    }
    (lane.direction == Direction::upstream ? counts_.upstream : counts_.downstream) += bytes;
}

void ToxicLink::finish(Lane& lane) {
    lane.ended = true;
    if (up_.ended && down_.ended) close();
}

void ToxicLink::set(Direction direction, const Toxics& toxics) {
    lane(direction).pipe.set(toxics, now());
    lane(direction).wake.cancel();
    publish();
}

void ToxicLink::release(Direction direction) {
    lane(direction).pipe.release();
    lane(direction).wake.cancel();
    publish();
}

void ToxicLink::halfClose(Direction direction) {
    lane(direction).pipe.cut();
    lane(direction).wake.cancel();
}

void ToxicLink::endForClient() {
    error_code ignored;
    over_ = true;
    client_.shutdown(tcp::socket::shutdown_send, ignored);
    for (Lane* each : {&up_, &down_}) {
        each->wake.cancel();
        each->room.cancel();
    }
}

bool ToxicLink::clientKnows() {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(client_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return true;
    return info.tcpi_state != TCP_ESTABLISHED && info.tcpi_state != TCP_FIN_WAIT1 && info.tcpi_state != TCP_CLOSING &&
           info.tcpi_state != TCP_LAST_ACK;
}

void ToxicLink::close() {
    endForClient();
    closeSockets();
}

void ToxicLink::reset() {
    error_code ignored;
    for (Socket* each : {&client_, &server_}) each->set_option(asio::socket_base::linger(true, 0), ignored);
    over_ = true;
    closeSockets();
}

void ToxicLink::closeSockets() {
    error_code ignored;
    client_.close(ignored);
    server_.close(ignored);
    for (Lane* each : {&up_, &down_}) {
        each->wake.cancel();
        each->room.cancel();
    }
    counts_.open = false;
    publish();
}

void ToxicLink::publish() {
    counts_.heldUpstream = !over_ && up_.pipe.isHeld();
    counts_.heldDownstream = !over_ && down_.pipe.isHeld();
    board_.write(number_, counts_);
}

// -- The counts --------------------------------------------------------------------------------------------------------

ConnectionNumber CountBoard::add() {
    const std::lock_guard lock(mutex_);
    ConnectionCounts made;
    made.open = true;
    counts_.connections.push_back(made);
    changed_.notify_all();
    return counts_.connections.size();
}

void CountBoard::write(ConnectionNumber number, const ConnectionCounts& counts) {
    const std::lock_guard lock(mutex_);
    counts_.connections[number - 1] = counts;
    changed_.notify_all();
}

std::size_t CountBoard::size() const {
    const std::lock_guard lock(mutex_);
    return counts_.connections.size();
}

ProxyCounts CountBoard::read() const {
    const std::lock_guard lock(mutex_);
    return counts_;
}

bool CountBoard::waitUntil(const std::function<bool(const ProxyCounts&)>& isSo,
                           std::chrono::milliseconds timeout) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return isSo(counts_); });
}

}  // namespace wix::test
