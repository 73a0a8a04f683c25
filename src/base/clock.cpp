#include "base/clock.hpp"

#include <ctime>
#include <random>

namespace wix::detail {
namespace {

class SystemClock final : public Clock {
public:
    BootTime boot() const override { return BootClock::now(); }
    WallTime wall() const override { return std::chrono::system_clock::now(); }
    double random() const override {
        thread_local std::mt19937_64 engine{std::random_device{}()};
        return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
    }
};

}  // namespace

BootTime BootClock::now() noexcept {
#ifdef CLOCK_BOOTTIME
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return BootTime(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
#else
    return BootTime(std::chrono::steady_clock::now().time_since_epoch());
#endif
}

const Clock& Clock::system() {
    static const SystemClock clock;
    return clock;
}

}  // namespace wix::detail
