// How often a 401 may cause a renewal. Pure.
#pragma once

#include <chrono>

#include "base/clock.hpp"

namespace wix::detail {

/// Some 401s are not about the token (PROTOCOL.md 3.2: "sometimes missing permission"): a renewal does not cure them,
/// and one for each such call would hammer the token endpoint. So renewals after a 401 come out of a small purse.
class RenewalBudget {
public:
    /// Takes one if there is one.
    bool take(BootTime now) noexcept;

private:
    static constexpr int purse = 5;
    static constexpr std::chrono::seconds refill{10};
    BootTime emptyUntil_{};  // each one taken moves this on by `refill`, from not before `now - purse * refill`
};

}  // namespace wix::detail
