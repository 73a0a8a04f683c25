// The least that it can cost to wake many callers: a handler each, posted to its caller's executor and run.
#pragma once

#include <cstddef>

#include <wix/tokens.hpp>

namespace wix::bench {

/// What each handler does.
struct Posted {
    Posted() = default;
    explicit Posted(std::size_t bytes, const Tokens* copy = nullptr) : blockBytes(bytes), tokens(copy) {}
    /// A caller that has waited is not in the cache: its handler has to fetch it. So each handler owns a block of this
    /// size, which it writes to, a byte in each cache line, and frees. 0 is no block.
    std::size_t blockBytes = 0;
    /// What it makes a copy of, which is kept, as callers get one.
    const Tokens* tokens = nullptr;
};

/// The milliseconds of CPU time for posting so many handlers, one after the other from a handler of the same io_context,
/// each through a work-tracked any_io_executor of its own, until the last has run.
double postingMilliseconds(std::size_t handlers, Posted what);

/// The bytes of a spawned coroutine that waits for a timer, as the mean of so many: the smallest caller there is.
double timerWaitBytes(std::size_t coroutines);

}  // namespace wix::bench
