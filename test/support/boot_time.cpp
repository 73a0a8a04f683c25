#include "support/boot_time.hpp"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace {

std::atomic<std::int64_t> moved{0};

}  // namespace

/// Takes the place of libc's in the test program.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
    const int failed = static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
    if (failed != 0 || clock != CLOCK_BOOTTIME) return failed;
    const std::int64_t all = now->tv_nsec + moved.load();
    now->tv_sec += all / 1'000'000'000;
    now->tv_nsec = all % 1'000'000'000;
    return 0;
}

namespace wix::test {

void moveBootTime(std::chrono::nanoseconds by) { moved += by.count(); }

}  // namespace wix::test
