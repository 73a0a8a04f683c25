#include "renewal/posting_floor.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "support/measure.hpp"

namespace asio = boost::asio;

namespace wix::bench {
namespace {

constexpr std::size_t cacheLine = 64;

/// One that waits to be woken.
struct Sleeper {
    Sleeper(const asio::any_io_executor& executor, std::size_t bytes)
        : caller(asio::prefer(executor, asio::execution::outstanding_work.tracked)),
          block(bytes > 0 ? new unsigned char[bytes]() : nullptr) {}
    asio::any_io_executor caller;
    std::unique_ptr<unsigned char[]> block;
};

class Wake {
public:
    Wake(std::unique_ptr<unsigned char[]> block, const Posted* what, Tokens* copy, double* ran)
        : block_(std::move(block)), what_(what), copy_(copy), ran_(ran) {}
    void operator()() {
        for (std::size_t i = 0; i < what_->blockBytes; i += cacheLine)
            static_cast<volatile unsigned char&>(block_[i]) = 1;
        if (what_->tokens != nullptr) *copy_ = Tokens(*what_->tokens);
        block_.reset();
        if (ran_ != nullptr) *ran_ = threadCpuMicros();
    }

private:
    std::unique_ptr<unsigned char[]> block_;
    const Posted* what_;
    Tokens* copy_;
    double* ran_;  // of the last one
};

asio::awaitable<void> waitForTimer() {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
    co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace

double postingMilliseconds(std::size_t handlers, Posted what) {
    asio::io_context io(1);
    std::vector<Sleeper> sleepers;
    sleepers.reserve(handlers);
    for (std::size_t i = 0; i < handlers; ++i) sleepers.emplace_back(io.get_executor(), what.blockBytes);
    std::vector<Tokens> copies(what.tokens != nullptr ? handlers : 0);
    double began = 0;
    double ended = 0;
    asio::post(io, [&] {
        began = threadCpuMicros();
        for (std::size_t i = 0; i < handlers; ++i) {
            const asio::any_io_executor caller = std::move(sleepers[i].caller);
            Tokens* copy = what.tokens != nullptr ? &copies[i] : nullptr;
            double* ran = i + 1 == handlers ? &ended : nullptr;
            asio::post(caller, Wake(std::move(sleepers[i].block), &what, copy, ran));
        }
    });
    io.run();
    return (ended - began) / 1e3;
}

double timerWaitBytes(std::size_t coroutines) {
    asio::io_context io(1);
    const std::size_t before = heapBytes();
    for (std::size_t i = 0; i < coroutines; ++i) asio::co_spawn(io, waitForTimer(), asio::detached);
    io.poll();
    return static_cast<double>(heapBytes() - before) / static_cast<double>(coroutines);
}

}  // namespace wix::bench
