// Endpoints `events`, `tickets` and `reservations`.
#ifndef WIX_TESTING_EVENT_ROUTES_HPP
#define WIX_TESTING_EVENT_ROUTES_HPP

#include "testing/events.hpp"
#include "testing/router.hpp"

namespace wix::testing::detail {

/// `office` must outlive the router.
void addEventRoutes(Router& router, BoxOffice& office);

}  // namespace wix::testing::detail

#endif
