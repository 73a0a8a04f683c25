// The least that it can cost to wake many callers: a handler each, posted to its caller's executor and run.
#pragma once

#include <cstddef>

namespace wix::bench {

/// The milliseconds of CPU time for posting so many handlers, one after the other from a handler of the same io_context, each through
/// a work-tracked any_io_executor of its own, until the last has run.
///
/// A caller that has waited is not in the cache: its handler has to fetch it. So each handler owns a block of
/// `blockBytes`, which it writes to, a byte in each cache line, and frees. 0 is a handler that owns nothing.
double postingMilliseconds(std::size_t handlers, std::size_t blockBytes);

/// The bytes of a spawned coroutine that waits for a timer, as the mean of so many: the smallest caller there is.
double timerWaitBytes(std::size_t coroutines);

}  // namespace wix::bench
