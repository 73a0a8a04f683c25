// Endpoint `redirect`: sessions that lead a browser to a page of Wix.
#ifndef WIX_TESTING_REDIRECT_ROUTES_HPP
#define WIX_TESTING_REDIRECT_ROUTES_HPP

#include "testing/encoding.hpp"
#include "testing/events.hpp"
#include "testing/router.hpp"
#include "testing/shop.hpp"

namespace wix::testing::detail {

/// All of them must outlive the router. `siteUrl` is where browsers find the pages of the site.
void addRedirectRoutes(Router& router, const Shop& shop, const BoxOffice& office, GuidSource& guids,
                       const std::string& siteUrl);

}  // namespace wix::testing::detail

#endif
