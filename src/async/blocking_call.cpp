#include "async/blocking_call.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include "async/context_registry.hpp"
#include "async/stored_handler.hpp"
#include "base/blocking_threads.hpp"

namespace asio = boost::asio;

namespace wix::detail {
namespace {

using Outcome = std::optional<Failure>;

/// What is longer is no limit, and the sum with a time may not be expressible.
constexpr std::chrono::milliseconds longestStart = std::chrono::hours(24 * 365);

/// Owned by the threads and by whatever cancels it, never by the coroutine that waits for it.
class BlockingCall final : public BlockingJob, public ContextBound {
public:
    BlockingCall(const asio::any_io_executor& executor, std::shared_ptr<BlockingWork> work, BlockingCallOptions options)
        : ContextBound(executor), work_(std::move(work)), options_(std::move(options)) {}

    template <class Handler>
    void begin(Handler handler) {
        auto slot = asio::get_associated_cancellation_slot(handler);
        {
            const std::lock_guard lock(mutex_);
            caller_ = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
            handler_ = StoredHandler<Outcome>(std::move(handler));
            waits_ = true;
        }
        if (options_.cancellable && slot.is_connected())
            slot.assign([weak = weak_from_this()](asio::cancellation_type) {
                if (auto alive = weak.lock()) static_cast<BlockingCall&>(*alive).cancel();
            });
        try {
            const auto self = std::static_pointer_cast<BlockingCall>(shared_from_this());
            if (!BlockingThreads::forCalls().submit(self, options_.key)) return fail("no thread could be started");
            watch(MonotonicClock::now() + std::min(options_.startWithin, longestStart));
        } catch (const std::exception&) {
            fail("out of memory");
        }
    }

    void perform() noexcept override { work_->perform(); }

    std::shared_ptr<void> complete() noexcept override {
        finish(std::nullopt);
        return std::move(work_);
    }

    /// That it has begun is the usual case: then nothing happens.
    void deadlinePassed() noexcept override {
        unwatch();
        switch (BlockingThreads::withdraw(*this)) {
            case BlockingThreads::Withdrawn::begun:
                return;
            case BlockingThreads::Withdrawn::parentsJob:
                return finish(Failure(Errc::used_after_fork, options_.what));
            case BlockingThreads::Withdrawn::yes:
                return fail("the call could not begin within " + std::to_string(options_.startWithin.count()) +
                            " ms; the threads for blocking calls, or an earlier call for the same key, are busy");
        }
    }

    void contextGone() noexcept override {
        StoredHandler<Outcome> handler;
        asio::any_io_executor caller;
        {
            const std::lock_guard lock(mutex_);
            take(handler, caller);
        }
        // Destroyed here, without the lock: it owns the caller's coroutine, which may own anything.
    }

private:
    struct Resume {
        Resume(StoredHandler<Outcome> toCall, Outcome with) : handler(std::move(toCall)), outcome(std::move(with)) {}
        void operator()() { handler(std::move(outcome)); }
        StoredHandler<Outcome> handler;
        Outcome outcome;
    };

    void cancel() {
        BlockingThreads::withdraw(*this);
        finish(Failure(asio::error::operation_aborted, options_.what));
    }

    void fail(const std::string& why) { finish(Failure(Errc::storage_unavailable, options_.what + ": " + why)); }

    void finish(Outcome outcome) {
        // The lock is held for the post: the context cannot end while we use its executor.
        const std::lock_guard lock(mutex_);
        if (!waits_) return;
        unwatch();  // the context is not kept running for the limit of a call that was cancelled
        StoredHandler<Outcome> handler;
        asio::any_io_executor caller;
        take(handler, caller);
        asio::post(caller, Resume(std::move(handler), std::move(outcome)));
    }

    void take(StoredHandler<Outcome>& handler, asio::any_io_executor& caller) {
        waits_ = false;
        handler = std::move(handler_);
        caller = std::exchange(caller_, asio::any_io_executor());
    }

    std::shared_ptr<BlockingWork> work_;
    const BlockingCallOptions options_;
    std::mutex mutex_;
    bool waits_ = false;
    StoredHandler<Outcome> handler_;
    asio::any_io_executor caller_;  // tracked: the context's run() waits for the outcome
};

struct Initiate {  // with a constructor: g++ 12 destroys aggregates twice here
    explicit Initiate(std::shared_ptr<BlockingCall> call) : call_(std::move(call)) {}
    template <class Handler>
    void operator()(Handler handler) const {
        // Moved out: the frame that holds this object belongs to the handler, and the call is about to own that.
        const std::shared_ptr<BlockingCall> call = std::move(call_);
        call->begin(std::move(handler));
    }
    mutable std::shared_ptr<BlockingCall> call_;
};

}  // namespace

BlockingWork::~BlockingWork() = default;

asio::awaitable<Outcome> performBlocking(std::shared_ptr<BlockingWork> work, BlockingCallOptions options) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    Initiate initiate(std::make_shared<BlockingCall>(executor, std::move(work), std::move(options)));
    co_return co_await asio::async_initiate<decltype(asio::use_awaitable), void(Outcome)>(std::move(initiate),
                                                                                          asio::use_awaitable);
}

asio::awaitable<void> runOffloaded(std::shared_ptr<BlockingWork> work, OffloadOptions options) {
    BlockingCallOptions call;
    // Apart from the keys of files.
    if (!options.key.empty()) call.key = "offload:" + options.key;
    call.startWithin = options.startWithin;
    call.cancellable = true;
    call.what = "offload";
    std::optional<Failure> failure = co_await performBlocking(std::move(work), std::move(call));
    if (failure) throw Error(std::move(*failure));
}

}  // namespace wix::detail
