// How often this thread has asked for memory: unlike a time it is the same in every run.
#pragma once

#include <cstdint>

namespace wix::bench {

/// Calls of operator new by the calling thread since it began. (OpenSSL calls malloc; it is not in here.)
std::uint64_t allocationsOfThread();

}  // namespace wix::bench
