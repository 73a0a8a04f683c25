// A caller that waits on another io_context than the operation's. Either context may be destroyed first.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

#include "async/context_registry.hpp"
#include "async/stored_handler.hpp"

namespace wix::detail {

/// Calls a handler with an outcome: a `Result`, or one that several callers share.
template <class Result, class Outcome>
struct Resume {
    Resume(StoredHandler<Result>&& h, Outcome&& o) : handler(std::move(h)), outcome(std::move(o)) {}
    void operator()() {
        if constexpr (std::is_same_v<Outcome, Result>)
            handler(std::move(outcome));
        else
            handler(Result(*outcome));
    }
    StoredHandler<Result> handler;
    Outcome outcome;
};

/// Keeps the handler and the executor of such a caller. When the caller's context is destroyed, they are destroyed with it
/// and `stop()` is called.
template <class Result, class Stop>
class ForeignCaller final : public ContextBound {
public:
    /// `executor` is the one to resume on: its execute() posts, and it counts as outstanding work. `context` is one that
    /// does not count as work.
    ForeignCaller(const boost::asio::any_io_executor& context, boost::asio::any_io_executor executor,
                  StoredHandler<Result>&& handler, Stop stop)
        : ContextBound(context), stop_(std::move(stop)), executor_(std::move(executor)), handler_(std::move(handler)) {}

    /// Resumes the caller, unless that has been done or its context is gone. From any thread.
    template <class Outcome>
    void resume(Outcome outcome) {
        // The mutex is held for the post and for the end of the executor's work: until then the context cannot end.
        const std::lock_guard lock(mutex_);
        if (!executor_) return;
        const auto executor = std::exchange(executor_, boost::asio::any_io_executor());
        executor.execute(Resume<Result, Outcome>(std::move(handler_), std::move(outcome)));
    }

    void contextGone() noexcept override {
        StoredHandler<Result> handler;  // destroyed without the mutex: it owns the caller's coroutine
        boost::asio::any_io_executor executor;
        {
            const std::lock_guard lock(mutex_);
            if (!executor_) return;
            std::swap(executor, executor_);
            handler = std::move(handler_);
        }
        stop_();
    }

private:
    const Stop stop_;
    std::mutex mutex_;
    boost::asio::any_io_executor executor_;  // none once it has been used
    StoredHandler<Result> handler_;
};

}  // namespace wix::detail
