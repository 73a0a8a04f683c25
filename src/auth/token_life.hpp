// How fresh an access token is, on a clock that counts suspend and that nobody sets. Pure.
#pragma once

#include <wix/options.hpp>

#include "base/clock.hpp"

namespace wix::detail {

enum class Freshness {
    fresh,      ///< Use it.
    advisory,   ///< Use it, and renew behind the callers.
    mandatory,  ///< Wait for a renewal; use it if that fails.
    dead,       ///< Past its expiry: wait for a renewal, or fail.
};

/// The life of one access token. The three points are in order.
struct TokenLife {
    TokenLife() = default;
    BootTime obtained{};
    BootTime advisory{};
    BootTime mandatory{};
    BootTime dead{};

    Freshness at(BootTime now) const noexcept {
        if (now < advisory) return Freshness::fresh;
        if (now < mandatory) return Freshness::advisory;
        return now < dead ? Freshness::mandatory : Freshness::dead;
    }
};

/// The life of a token from an exchange: it ages from the start of our own request, so a slow answer never makes it look
/// younger than it is. One that is dead on arrival lives a second more, to serve those who waited for it without asking
/// again for each of them. `random` in [0, 1) spreads the advisory window of many sessions.
TokenLife lifeOfGranted(BootTime requestStarted, BootTime received, std::chrono::seconds expiresIn,
                        const RenewalWindows& windows, double random);

/// The life of a token from elsewhere, of which only the wall clock's expiry is known. Its full life is taken to be
/// Wix's 4 h, so that its last minute is its last minute.
TokenLife lifeOfAdopted(std::chrono::sys_seconds expiresAt, Moment now, const RenewalWindows& windows);

}  // namespace wix::detail
