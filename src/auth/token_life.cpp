#include "auth/token_life.hpp"

#include <algorithm>

namespace wix::detail {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr seconds wixLife{4 * 3600};
constexpr seconds longestBelieved{7 * 24 * 3600};
constexpr seconds servesItsWaiters{1};

/// 20 % of the life, made up to half as long again, within the bounds and below half of the life. The upper bound is
/// applied to what is about to grow, so that the spread survives it: most tokens of a site live equally long.
nanoseconds advisoryWindow(nanoseconds life, const RenewalWindows& windows, double random) {
    const nanoseconds most(windows.advisoryMax);
    const nanoseconds base = std::min<nanoseconds>(life / 5, most * 2 / 3);
    const nanoseconds grown =
        base + nanoseconds(static_cast<nanoseconds::rep>(static_cast<double>(base.count()) * random / 2));
    const nanoseconds bounded = std::clamp<nanoseconds>(grown, windows.advisoryMin, most);
    return std::min(bounded, life / 2 - life / 100);
}

TokenLife lifeOf(BootTime obtained, nanoseconds life, BootTime dead, const RenewalWindows& windows, double random) {
    const nanoseconds mandatory = std::min<nanoseconds>(windows.mandatory, life / 10);
    TokenLife made;
    made.obtained = obtained;
    made.dead = dead;
    made.mandatory = dead - mandatory;
    made.advisory = std::min(made.mandatory, dead - advisoryWindow(life, windows, random));
    return made;
}

}  // namespace

TokenLife lifeOfGranted(BootTime requestStarted, BootTime received, seconds expiresIn, const RenewalWindows& windows,
                        double random) {
    const nanoseconds life = std::clamp(expiresIn, seconds(0), longestBelieved);
    const BootTime expiry = requestStarted + life;
    const BootTime soonest = received + servesItsWaiters;
    if (expiry < soonest) {
        TokenLife made;
        made.obtained = received;
        made.advisory = made.mandatory = made.dead = soonest;
        return made;
    }
    return lifeOf(received, life, expiry, windows, random);
}

TokenLife lifeOfAdopted(std::chrono::sys_seconds expiresAt, Moment now, const RenewalWindows& windows) {
    // Bounded in seconds first: a wall clock of nanoseconds ends in 2262, and the caller's number may be any.
    const auto nowSeconds = std::chrono::floor<seconds>(now.wall);
    const WallTime expiry = std::clamp(expiresAt, nowSeconds, nowSeconds + longestBelieved);
    const nanoseconds left = std::max<nanoseconds>(expiry - now.wall, nanoseconds(0));
    return lifeOf(now.boot, std::max<nanoseconds>(wixLife, left), now.boot + left, windows, now.random);
}

}  // namespace wix::detail
