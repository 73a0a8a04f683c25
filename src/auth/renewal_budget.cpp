#include "auth/renewal_budget.hpp"

#include <algorithm>

namespace wix::detail {

bool RenewalBudget::take(BootTime now) noexcept {
    const BootTime from = std::max(emptyUntil_, now - purse * refill);
    if (from + refill > now) return false;
    emptyUntil_ = from + refill;
    return true;
}

}  // namespace wix::detail
