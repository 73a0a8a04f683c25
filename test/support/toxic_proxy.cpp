#include "support/toxic_proxy.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <future>
#include <map>
#include <thread>
#include <utility>

#include "support/toxic_link.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;

namespace wix::test {

std::size_t ProxyCounts::open() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(connections.begin(), connections.end(), [](const ConnectionCounts& each) { return each.open; }));
}

std::size_t ProxyCounts::held(Direction direction) const noexcept {
    return static_cast<std::size_t>(
        std::count_if(connections.begin(), connections.end(), [direction](const ConnectionCounts& each) {
            return direction == Direction::upstream ? each.heldUpstream : each.heldDownstream;
        }));
}

std::uint64_t ProxyCounts::bytes(Direction direction) const noexcept {
    std::uint64_t sum = 0;
    for (const ConnectionCounts& each : connections)
        sum += direction == Direction::upstream ? each.upstream : each.downstream;
    return sum;
}

std::uint64_t ProxyCounts::flights() const noexcept {
    std::uint64_t sum = 0;
    for (const ConnectionCounts& each : connections) sum += each.flights;
    return sum;
}

class ToxicProxy::Loop {
public:
    Loop(std::uint16_t upstreamPort, std::uint64_t seed)
        : server_(asio::ip::address_v4::loopback(), upstreamPort),
          seed_(seed),
          acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
          port_(acceptor_.local_endpoint().port()) {
        asio::co_spawn(context_, acceptAll(), asio::detached);
        thread_ = std::thread([this] { context_.run(); });
    }
    ~Loop() {
        context_.stop();
        thread_.join();
    }

    std::uint16_t port() const noexcept { return port_; }
    const CountBoard& board() const noexcept { return board_; }

    /// On the proxy's thread, and waits for it.
    void run(std::function<void()> work) {
        std::packaged_task<void()> task(std::move(work));
        std::future<void> done = task.get_future();
        asio::post(context_, std::move(task));
        done.get();
    }

    // The rest runs on the proxy's thread.

    template <class Work>
    void forEach(Work work) {
        for (std::weak_ptr<ToxicLink>& each : links_)
            if (const auto link = each.lock(); link && !link->isOver()) work(*link);
    }

    void setAll(Direction direction, const Toxics& toxics) {
        single_[direction].clear();
        all_[direction] = toxics;
        forEach([&](ToxicLink& link) { link.set(direction, toxics); });
    }

    void setOne(ConnectionNumber number, Direction direction, const Toxics& toxics) {
        single_[direction].insert_or_assign(number, toxics);
        forEach([&](ToxicLink& link) {
            if (link.number() == number) link.set(direction, toxics);
        });
    }

    void release(Direction direction) {
        all_[direction].hold.reset();
        for (auto& [number, toxics] : single_[direction]) toxics.hold.reset();
        forEach([&](ToxicLink& link) { link.release(direction); });
    }

    /// Fulfils the promise when all connections that there are have ended.
    asio::awaitable<void> closeAll(std::shared_ptr<std::promise<void>> done) {
        std::vector<std::shared_ptr<ToxicLink>> ending;
        forEach([&](ToxicLink& link) { ending.push_back(link.shared_from_this()); });
        for (const auto& link : ending) link->endForClient();
        const auto giveUp = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        asio::steady_timer pause(context_);
        for (const auto& link : ending) {
            while (!link->clientKnows() && std::chrono::steady_clock::now() < giveUp) {
                pause.expires_after(std::chrono::milliseconds(1));
                co_await pause.async_wait(asio::use_awaitable);
            }
            link->close();
        }
        done->set_value();
    }
    void startClosingAll(std::shared_ptr<std::promise<void>> done) {
        asio::co_spawn(context_, closeAll(std::move(done)), asio::detached);
    }

private:
    asio::awaitable<void> acceptAll() {
        for (;;) {
            boost::system::error_code error;
            tcp::socket client = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
            if (error) {  // out of descriptors, most likely: they come back
                asio::steady_timer pause(context_, std::chrono::milliseconds(20));
                co_await pause.async_wait(asio::use_awaitable);
                continue;
            }
            const ConnectionNumber number = board_.size() + 1;
            const auto link =
                std::make_shared<ToxicLink>(std::move(client), board_, seed_, toxicsOf(Direction::upstream, number),
                                            toxicsOf(Direction::downstream, number));
            std::erase_if(links_, [](const std::weak_ptr<ToxicLink>& each) { return each.expired(); });
            links_.push_back(link);
            link->start(server_);
        }
    }

    Toxics toxicsOf(Direction direction, ConnectionNumber number) {
        const auto& single = single_[direction];
        const auto found = single.find(number);
        return found == single.end() ? all_[direction] : found->second;
    }

    const tcp::endpoint server_;
    const std::uint64_t seed_;
    CountBoard board_;
    std::map<Direction, Toxics> all_;
    std::map<Direction, std::map<ConnectionNumber, Toxics>> single_;
    std::vector<std::weak_ptr<ToxicLink>> links_;
    asio::io_context context_{1};  // its coroutines use all of the above until it ends
    tcp::acceptor acceptor_;
    const std::uint16_t port_;
    std::thread thread_;
};

ToxicProxy::ToxicProxy(std::uint16_t upstreamPort, std::uint64_t seed)
    : loop_(std::make_unique<Loop>(upstreamPort, seed)) {}

ToxicProxy::~ToxicProxy() = default;

std::uint16_t ToxicProxy::port() const noexcept { return loop_->port(); }

void ToxicProxy::set(Direction direction, const Toxics& toxics) {
    loop_->run([&] { loop_->setAll(direction, toxics); });
}

void ToxicProxy::set(ConnectionNumber number, Direction direction, const Toxics& toxics) {
    loop_->run([&] { loop_->setOne(number, direction, toxics); });
}

void ToxicProxy::clear() {
    loop_->run([&] {
        loop_->setAll(Direction::upstream, Toxics());
        loop_->setAll(Direction::downstream, Toxics());
    });
}

void ToxicProxy::release(Direction direction) {
    loop_->run([&] { loop_->release(direction); });
}

void ToxicProxy::closeAll() {
    const auto done = std::make_shared<std::promise<void>>();
    std::future<void> ended = done->get_future();
    loop_->run([&] { loop_->startClosingAll(done); });
    ended.get();
}

void ToxicProxy::resetAll() {
    loop_->run([&] { loop_->forEach([](ToxicLink& link) { link.reset(); }); });
}

void ToxicProxy::halfCloseAll(Direction direction) {
    loop_->run([&] { loop_->forEach([&](ToxicLink& link) { link.halfClose(direction); }); });
}

ProxyCounts ToxicProxy::counts() const { return loop_->board().read(); }

bool ToxicProxy::waitUntilHeld(Direction direction, std::size_t count, std::chrono::milliseconds timeout) const {
    return waitUntil([direction, count](const ProxyCounts& counts) { return counts.held(direction) >= count; },
                     timeout);
}

bool ToxicProxy::waitUntil(std::function<bool(const ProxyCounts&)> isSo, std::chrono::milliseconds timeout) const {
    return loop_->board().waitUntil(isSo, timeout);
}

}  // namespace wix::test
