#include <wix/run.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <chrono>
#include <cstddef>
#include <mutex>

namespace asio = boost::asio;

namespace wix::detail {
namespace {

/// So long a thread sleeps in the context before it looks whether another one has ended its operation. A post would wake
/// any of the threads there.
constexpr std::chrono::milliseconds slice{10};

/// The calls of run() on one context. A context stops itself when its last work ends: with a guard that the first call
/// takes and the last one drops, both under the mutex, it does not do so between another call's restart and its first
/// step.
class RunCalls final : public asio::execution_context::service {
public:
    using key_type = RunCalls;
    static asio::execution_context::id id;
    explicit RunCalls(asio::execution_context& context) : asio::execution_context::service(context) {}

    void enter(asio::io_context& io) {
        const std::lock_guard lock(mutex_);
        if (count_++ == 0) guard_.emplace(io.get_executor());
        if (io.stopped()) io.restart();
    }
    void leave() {
        const std::lock_guard lock(mutex_);
        if (--count_ == 0) guard_.reset();
    }

private:
    void shutdown() override {}

    std::mutex mutex_;
    std::size_t count_ = 0;
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> guard_;
};

asio::execution_context::id RunCalls::id;

}  // namespace

RunCall::RunCall(asio::io_context& io) : io_(io) {
    if (io.get_executor().running_in_this_thread()) throw Error(Errc::would_deadlock, "run(io, operation)");
    asio::use_service<RunCalls>(io_).enter(io_);
}

RunCall::~RunCall() { asio::use_service<RunCalls>(io_).leave(); }

void RunCall::runUntil(const std::atomic<bool>& ended) {
    while (!ended.load(std::memory_order_acquire)) {
        if (io_.run_one_for(slice) > 0 || !io_.stopped()) continue;
        if (ended.load(std::memory_order_acquire)) return;
        throw Error(Failure(asio::error::operation_aborted, "run(io, operation): the io_context was stopped"));
    }
}

}  // namespace wix::detail
