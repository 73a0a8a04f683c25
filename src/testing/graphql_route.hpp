// Endpoint `graphql`: as much of it as shows that a query arrives and an answer returns.
//
// A query that selects `storesProducts` or `products` gets `data.<that name>.items` with those of the fields id,
// name, slug and price that the query's text names. Everything else gets `errors`, with status 200 as Wix sends them.
#ifndef WIX_TESTING_GRAPHQL_ROUTE_HPP
#define WIX_TESTING_GRAPHQL_ROUTE_HPP

#include "testing/router.hpp"

namespace wix::testing::detail {

void addGraphqlRoute(Router& router);

}  // namespace wix::testing::detail

#endif
