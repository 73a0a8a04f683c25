// How often memory was asked for: unlike a time it is the same in every run.
#pragma once

#include <cstdint>

namespace wix::bench {

/// Calls of malloc and its kin by the calling thread since it began: those of operator new, OpenSSL and libcurl too.
/// With another C library than glibc, and under a sanitizer, calls of operator new alone.
std::uint64_t allocationsOfThread();

}  // namespace wix::bench
