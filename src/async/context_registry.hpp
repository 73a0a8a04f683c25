// What the SDK has on an io_context: told when the context goes, and watched for deadlines.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/intrusive/list_hook.hpp>

#include <atomic>
#include <chrono>
#include <memory>

#include "base/monotonic_clock.hpp"

namespace wix::detail {

using SteadyTime = MonotonicTime;

class ContextRegistry;
class ContextBound;
class ContextUse;

/// Says that an object belongs to the context of another one, which is there: cheaper than to ask an executor.
struct SameContextAs {
    explicit SameContextAs(const ContextBound& there) : object(there) {}
    const ContextBound& object;
};

/// An object with sockets, timers, strands or stored handlers. Handles may outlive their io_context, but these things
/// may not: a strand that is destroyed after its context is a use-after-free in Asio, and a stored handler owns the
/// coroutine that owns the object: a cycle that leaks. So the context takes them away when it is destroyed.
class ContextBound : public std::enable_shared_from_this<ContextBound> {
public:
    virtual ~ContextBound();
    ContextBound(const ContextBound&) = delete;
    ContextBound& operator=(const ContextBound&) = delete;

    /// The context is being destroyed: let go of everything that belongs to it. No other thread runs it any more.
    virtual void contextGone() noexcept = 0;
    /// The deadline that was given to watch() may have passed. Called on no particular executor: only post from here.
    virtual void deadlinePassed() noexcept {}

protected:
    explicit ContextBound(const boost::asio::any_io_executor& executor);
    explicit ContextBound(SameContextAs other);

    /// Asks for deadlinePassed() at `deadline` or up to 100 ms later. Replaces the earlier one, which costs no lock;
    /// not by two threads at a time.
    void watch(SteadyTime deadline);
    /// Whether deadlines that have passed at `now` do not count yet: DeadlineCheck.
    bool isPostponed(SteadyTime now) const;
    /// No deadline any more. Costs no lock: the next scan forgets this object, or its destructor does.
    void unwatch() noexcept { deadline_.store(never, std::memory_order_relaxed); }

    /// Whether `other` is the context of this object. Its context must not have ended.
    bool isOn(const boost::asio::execution_context& other) const noexcept;

private:
    friend class ContextRegistry;
    friend class ContextUse;
    struct Shared;
    using Hook = boost::intrusive::list_member_hook<>;  // thousands may wait: a list has no memory of its own for each

    static constexpr SteadyTime::rep never = SteadyTime::max().time_since_epoch().count();

    void link();

    std::shared_ptr<Shared> shared_;
    Hook place_;       // among those that are told of the context's end, or were told
    Hook watchPlace_;  // among those with a deadline
    std::atomic<SteadyTime::rep> deadline_{never};
    std::atomic<bool> isWatched_{false};  // the scan will look at `deadline_`
    bool ended_ = false;
};

/// Delays the destruction of an object's context while this exists, so that a thread that does not run the context may
/// use the executors that the object has of it. Holders must not wait for anything.
class ContextUse {
public:
    /// The object must outlive this.
    explicit ContextUse(const ContextBound& object) noexcept;
    ~ContextUse();
    ContextUse(const ContextUse&) = delete;
    ContextUse& operator=(const ContextUse&) = delete;

    /// False: the context is being destroyed or has been. Nothing of it may be used.
    explicit operator bool() const noexcept { return shared_ != nullptr; }

private:
    ContextBound::Shared* shared_;
};

}  // namespace wix::detail
