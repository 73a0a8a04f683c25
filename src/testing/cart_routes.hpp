// Endpoint `cart`: the current cart of the token's visitor, eCommerce V1.
#ifndef WIX_TESTING_CART_ROUTES_HPP
#define WIX_TESTING_CART_ROUTES_HPP

#include "testing/router.hpp"
#include "testing/shop.hpp"

namespace wix::testing::detail {

/// `shop` must outlive the router.
void addCartRoutes(Router& router, Shop& shop);

}  // namespace wix::testing::detail

#endif
