// The pages to which redirect sessions lead: a checkout of a cart, and one of reserved tickets.
#ifndef WIX_TESTING_CHECKOUT_PAGES_HPP
#define WIX_TESTING_CHECKOUT_PAGES_HPP

#include "testing/events.hpp"
#include "testing/router.hpp"
#include "testing/shop.hpp"

namespace wix::testing::detail {

/// All must outlive the router.
void addCheckoutPages(Router& router, const Shop& shop, const BoxOffice& office);

}  // namespace wix::testing::detail

#endif
