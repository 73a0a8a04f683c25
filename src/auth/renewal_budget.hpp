// How often a 401 may cause a renewal. Pure.
#pragma once

#include <chrono>

#include "base/clock.hpp"

namespace wix::detail {

/// Some 401s are not about the token (Wix answers a missing permission so, too): a renewal does not cure them, and one
/// for each such call would hammer the token endpoint. So renewals after a 401 come out of a small purse.
class RenewalBudget {
public:
    /// Takes one if there is one.
    bool take(BootTime now) noexcept;

private:
    static constexpr int purse = 5;
    static constexpr std::chrono::seconds refill{10};
    // Each one taken moves this on by `refill`, from not before `now - purse * refill`. Full even right after boot.
    BootTime emptyUntil_{-purse * refill};
};

}  // namespace wix::detail
