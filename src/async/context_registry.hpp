// What the SDK has on an io_context: told when the context goes, and watched for deadlines.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include <atomic>
#include <chrono>
#include <list>
#include <memory>

#include "base/monotonic_clock.hpp"

namespace wix::detail {

using SteadyTime = MonotonicTime;

class ContextRegistry;

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

    /// Asks for deadlinePassed() at `deadline` or up to 100 ms later. Replaces the earlier one; thread-safe.
    void watch(SteadyTime deadline);
    void unwatch();

private:
    friend class ContextRegistry;
    struct Shared;
    std::shared_ptr<Shared> shared_;
    std::list<ContextBound*>::iterator place_;
    std::list<ContextBound*>::iterator watchPlace_;
    bool watched_ = false;
    bool ended_ = false;
    SteadyTime deadline_{};
};

}  // namespace wix::detail
