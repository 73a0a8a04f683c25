// Which clock of the system the SDK's own is.
#include "base/clock.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <string_view>

using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

std::chrono::nanoseconds readClock(clockid_t id) {
    timespec now{};
    ::clock_gettime(id, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

bool isBootTime() {
    const auto before = readClock(CLOCK_BOOTTIME);
    const auto now = Clock::system().boot().time_since_epoch();
    return before <= now && now <= readClock(CLOCK_BOOTTIME);
}

/// Runs isBootTime() in a process for which the machine was suspended for 8 h: 0 if it is, 1 if not, 2 if the system does
/// not let this process do so.
int inSuspendedProcess() {
    const pid_t outer = ::fork();
    if (outer == 0) {
        ::alarm(20);
        if (::unshare(CLONE_NEWTIME) != 0) ::_exit(2);
        const int offsets = ::open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
        constexpr std::string_view line = "boottime 28800 0\n";
        if (offsets < 0 || ::write(offsets, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(2);
        const pid_t inner = ::fork();  // a time namespace is that of the children
        if (inner == 0) {
            const bool differ = readClock(CLOCK_BOOTTIME) - readClock(CLOCK_MONOTONIC) > 7h;
            ::_exit(!differ ? 2 : isBootTime() ? 0 : 1);
        }
        int status = 0;
        ::waitpid(inner, &status, 0);
        ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    int status = 0;
    ::waitpid(outer, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

TEST_CASE("the clock of tokens and connections is CLOCK_BOOTTIME [C3]") {
    CHECK(isBootTime());
    const int suspended = inSuspendedProcess();
    if (suspended == 2) {
        MESSAGE("not tried after a suspend: no time namespace (it takes CAP_SYS_ADMIN)");
        return;
    }
    CHECK(suspended == 0);
}
