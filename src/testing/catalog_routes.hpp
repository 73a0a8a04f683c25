// Endpoint `products`: Stores Catalog V1 and V3. One site has both here, which no real site has.
#ifndef WIX_TESTING_CATALOG_ROUTES_HPP
#define WIX_TESTING_CATALOG_ROUTES_HPP

#include "testing/router.hpp"

namespace wix::testing::detail {

void addCatalogRoutes(Router& router);

}  // namespace wix::testing::detail

#endif
