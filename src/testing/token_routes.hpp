// Endpoints `token` and `token-info`.
#ifndef WIX_TESTING_TOKEN_ROUTES_HPP
#define WIX_TESTING_TOKEN_ROUTES_HPP

#include "testing/router.hpp"
#include "testing/tokens.hpp"

namespace wix::testing::detail {

/// `tokens` must outlive the router.
void addTokenRoutes(Router& router, Tokens& tokens);

}  // namespace wix::testing::detail

#endif
