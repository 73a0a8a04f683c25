// The only way in and out of the SDK's strands: how a caller waits for something that happens elsewhere.
//
// The caller's coroutine initiates and waits; it never leaves its executor. What it waits for runs on a home strand:
//
//     caller                                   home strand
//     run(operation) ------- post -----------> onStart()
//     cancellation, stop_token, deadline ----> onStop(why)      at most once, only while not finished
//     resumes with the result <----- post ---- finish(result)   takes effect once
//
// Only messages cross. Nothing here shares the caller's cancellation slot with another coroutine, and the operation is
// never owned by the coroutine that waits for it (handler -> frame -> operation would be a cycle).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>

#include <memory>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

#include <wix/error.hpp>

#include "async/context_registry.hpp"
#include "async/foreign_caller.hpp"
#include "async/stored_handler.hpp"

namespace wix::detail {

/// Why an operation is to end early.
enum class StopReason {
    cancelled,  ///< By the caller: operation_aborted.
    dropped,    ///< As cancelled, unless it has taken effect already: then it goes on.
    deadline,   ///< Its own deadline passed: Errc::timeout.
};

/// What an operation that ended early fails with. `what` names the operation and its phase.
Failure stopFailure(StopReason why, std::string what);

/// How long a caller is ready to wait, and what else ends the wait.
struct WaitLimits {
    WaitLimits() = default;
    WaitLimits(SteadyTime deadline, std::stop_token stop) : deadline(deadline), stop(std::move(stop)) {}
    SteadyTime deadline = SteadyTime::max();
    std::stop_token stop;        ///< StopReason::cancelled
    std::stop_token stopUnsent;  ///< StopReason::dropped
};

/// The part that does not depend on the result.
class HomeOperationBase : public ContextBound {
public:
    void contextGone() noexcept override;
    void deadlinePassed() noexcept override { requestStop(StopReason::deadline); }

    /// Asks the operation to end, from any thread.
    void requestStop(StopReason why) noexcept;

protected:
    HomeOperationBase(boost::asio::any_io_executor home, WaitLimits limits);
    HomeOperationBase(SameContextAs other, boost::asio::any_io_executor home, WaitLimits limits);

    /// Whether it tells nobody but its own caller, and runs no code of a user. Then onStart() may run within the
    /// initiation, if this is the home's context and the strand is free.
    virtual bool isBrief() const noexcept { return false; }
    virtual void onStart() = 0;
    /// May come before onStart(), which then never comes.
    virtual void onStop(StopReason why) = 0;
    /// Whether it is a further step of something that has begun: then it may begin although its deadline has just passed,
    /// as long as that does not count.
    virtual bool isFurtherStep() const noexcept { return false; }
    /// Whether it is too late for StopReason::dropped.
    virtual bool hasDeparted() const { return false; }
    virtual void dropHandler() noexcept = 0;

    const boost::asio::any_io_executor& home() const noexcept { return home_; }
    bool isDone() const noexcept { return done_; }
    /// When onStart() was called: clocks are read often enough.
    SteadyTime startedAt() const noexcept { return startedAt_; }
    /// The time until which this phase may last; the operation's own deadline bounds it. On the home strand.
    void setPhaseDeadline(SteadyTime deadline, SteadyTime now);

    void begin();  // on the caller, once the handler is stored
    bool end();    // on the home strand; false if it has ended before

private:
    struct OnStop {
        OnStop(std::weak_ptr<ContextBound> op, StopReason reason) : operation(std::move(op)), why(reason) {}
        std::weak_ptr<ContextBound> operation;
        StopReason why;
        void operator()() const noexcept;
    };
    using StopListener = std::unique_ptr<std::stop_callback<OnStop>>;  // null if the token cannot stop

    void start();
    void stop(StopReason why);
    void nearDeadlinePassed(SteadyTime planned);
    StopListener listenTo(const std::stop_token& token, StopReason why);

    boost::asio::any_io_executor home_;
    WaitLimits limits_;
    SteadyTime startedAt_;
    SteadyTime phaseDeadline_ = SteadyTime::max();
    // Few operations have them, and thousands may wait.
    StopListener onStopRequest_;
    StopListener onDropRequest_;
    std::unique_ptr<MonotonicTimer> shortTimer_;  // for what the scan is too coarse for
    bool done_ = false;
    bool stopped_ = false;
};

/// An operation that ends with one `Result`: any movable type that can be made of a Failure.
template <class Result>
class HomeOperation : public HomeOperationBase {
    struct Initiate;

public:
    using ResultType = Result;
    /// One that begins when it is awaited. It needs no coroutine; given asio::use_awaitable, say, it becomes one.
    using Deferred = boost::asio::deferred_async_operation<void(Result), Initiate>;

    ~HomeOperation() override {
        if (foreign_) drop(false);
    }

protected:
    using HomeOperationBase::HomeOperationBase;

    /// Ends the operation: the caller resumes, on its own executor, with `result`. Later calls do nothing and give
    /// false. On the home strand.
    bool finish(Result outcome) { return resumeWith(std::move(outcome)); }
    /// The same with one result for many callers, who copy it when they resume.
    bool finish(std::shared_ptr<const Result> outcome) { return resumeWith(std::move(outcome)); }

private:
    template <class Op>
    friend auto run(std::shared_ptr<Op> operation) -> typename Op::Deferred;

    struct CancelOperation {
        explicit CancelOperation(std::weak_ptr<ContextBound> op) : operation(std::move(op)) {}
        void operator()() const noexcept {
            if (auto alive = operation.lock()) static_cast<HomeOperation&>(*alive).requestStop(StopReason::cancelled);
        }
        std::weak_ptr<ContextBound> operation;
    };
    using Foreign = ForeignCaller<Result, CancelOperation>;

    template <class Outcome>
    bool resumeWith(Outcome outcome) {
        if (!end()) return false;
        if (const auto foreign = std::exchange(foreign_, nullptr)) {
            foreign->resume(std::move(outcome));
            return true;
        }
        const auto caller = std::move(caller_);
        caller.execute(Resume<Result, Outcome>(std::move(handler_), std::move(outcome)));
        return true;
    }

    struct Initiate {  // a constructor, or g++ 12 destroys it twice
        explicit Initiate(std::shared_ptr<HomeOperation> op) : operation(std::move(op)) {}
        template <class Handler>
        void operator()(Handler handler) const {
            // Move out: the frame that holds this object is owned by the handler that the operation is about to own.
            const std::shared_ptr<HomeOperation> op = std::move(operation);
            if (!op) return contextHasGone(std::move(handler));
            const ContextUse home(*op);  // the caller may be on another thread
            if (!home) return contextHasGone(std::move(handler));
            auto slot = boost::asio::get_associated_cancellation_slot(handler);
            op->keep(std::move(handler));
            if (slot.is_connected()) slot.assign([cancel = CancelOperation(op)](auto) { cancel(); });
            op->begin();
        }
        template <class Handler>
        static void contextHasGone(Handler handler) {
            auto caller = boost::asio::get_associated_executor(handler);
            boost::asio::post(caller,
                              Resume<Result, Result>(StoredHandler<Result>(std::move(handler)), whenContextIsGone()));
        }
        mutable std::shared_ptr<HomeOperation> operation;
    };

    /// Keeps the handler, and the executor to resume on: it counts as outstanding work, and its execute() posts.
    template <class Handler>
    void keep(Handler handler) {
        using namespace boost::asio::execution;
        const boost::asio::any_io_executor caller = boost::asio::get_associated_executor(handler, home());
        const bool isForeign = !isOn(boost::asio::query(caller, context));
        StoredHandler<Result> stored(std::move(handler));
        // Most callers are on an io_context itself: nothing of it is virtual. (No continuation: Asio would keep it
        // from other threads until the handler that runs here has returned, and that may wait for it.)
        boost::asio::any_io_executor tracked;
        if (const auto* io = caller.target<boost::asio::io_context::executor_type>())
            tracked = boost::asio::require(*io, outstanding_work.tracked, blocking.never);
        else
            tracked = boost::asio::require(boost::asio::prefer(caller, outstanding_work.tracked), blocking.never);
        if (isForeign) {
            foreign_ =
                std::make_shared<Foreign>(boost::asio::prefer(caller, outstanding_work.untracked), std::move(tracked),
                                          std::move(stored), CancelOperation(weak_from_this()));
        } else {
            caller_ = std::move(tracked);
            handler_ = std::move(stored);
        }
    }

    static Result whenContextIsGone(bool maybeSent = false) {
        Failure failure(boost::asio::error::operation_aborted, "the io_context of the client has gone");
        failure.maybeSent = maybeSent;
        return Result(std::move(failure));
    }

    /// A caller on the same context goes with it; any other one resumes.
    void dropHandler() noexcept final { drop(hasDeparted()); }
    void drop(bool departed) noexcept {
        if (const auto foreign = std::exchange(foreign_, nullptr)) try {
                return foreign->resume(whenContextIsGone(departed));
            } catch (...) {  // out of memory: the caller's coroutine has been destroyed
                return;
            }
        const auto handler = std::move(handler_);
        const auto caller = std::move(caller_);
    }

    StoredHandler<Result> handler_;
    boost::asio::any_io_executor caller_;
    std::shared_ptr<Foreign> foreign_;  // instead of these two, if the caller is on another context
};

/// `co_await run(operation)` starts it and waits for it. It must not have been started before. A null one stands for one
/// that cannot be made any more, since the context of its home has gone: it ends with operation_aborted.
template <class Op>
auto run(std::shared_ptr<Op> operation) -> typename Op::Deferred {
    using Initiate = typename HomeOperation<typename Op::ResultType>::Initiate;
    return typename Op::Deferred(boost::asio::deferred_init_tag(), Initiate(std::move(operation)));
}

}  // namespace wix::detail
