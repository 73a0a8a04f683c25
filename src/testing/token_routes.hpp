// Endpoints `token` and `token-info`.
#ifndef WIX_TESTING_TOKEN_ROUTES_HPP
#define WIX_TESTING_TOKEN_ROUTES_HPP

#include <wix/testing/fake_wix.hpp>

#include <string_view>

#include "testing/router.hpp"
#include "testing/tokens.hpp"

namespace wix::testing::detail {

/// Empty, or one that this fake knows.
bool isGrantType(std::string_view text) noexcept;
/// What the request asks for; empty members if it is malformed.
TokenRequestMatch readTokenRequest(const HttpRequest& request);

/// `tokens` must outlive the router.
void addTokenRoutes(Router& router, Tokens& tokens);

}  // namespace wix::testing::detail

#endif
