// Endpoint `redirect`: sessions that lead a browser to a page of Wix.
#ifndef WIX_TESTING_REDIRECT_ROUTES_HPP
#define WIX_TESTING_REDIRECT_ROUTES_HPP

#include "testing/encoding.hpp"
#include "testing/events.hpp"
#include "testing/router.hpp"
#include "testing/shop.hpp"

namespace wix::testing::detail {

/// All three must outlive the router.
void addRedirectRoutes(Router& router, const Shop& shop, const BoxOffice& office, GuidSource& guids);

}  // namespace wix::testing::detail

#endif
