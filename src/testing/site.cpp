#include "testing/site.hpp"

#include <utility>

#include "testing/cart_routes.hpp"
#include "testing/catalog_routes.hpp"
#include "testing/checkout_pages.hpp"
#include "testing/event_routes.hpp"
#include "testing/graphql_route.hpp"
#include "testing/redirect_routes.hpp"
#include "testing/token_routes.hpp"
#include "testing/wix_error.hpp"

namespace wix::testing::detail {

namespace {

// Wix accepts the raw token, and with the scheme word too.
std::string_view tokenOf(const HttpRequest& request) {
    std::string_view value = request.header("Authorization");
    constexpr std::string_view scheme = "Bearer ";
    if (equalsIgnoringCase(value.substr(0, scheme.size()), scheme)) value.remove_prefix(scheme.size());
    return value;
}

}  // namespace

std::string Consistency::issue(const std::string& visitorId) {
    ++issued_;
    return latest_[visitorId] = base64UrlEncode(guids_.next());
}

void Consistency::see(const std::string& visitorId, std::string_view value) {
    if (value.empty()) return;
    const auto known = latest_.find(visitorId);
    ++(known != latest_.end() && known->second == value ? replayed_ : foreign_);
}

// Rooms draw their ids from sources of their own, so that one more call in one does not change all the others.
Site::Site(std::uint64_t seed)
    : guids_(seed), tokens_(seed + 1), shop_(seed + 2), office_(seed + 3), consistency_(seed + 4) {
    addTokenRoutes(router_, tokens_);
    addCatalogRoutes(router_);
    addCartRoutes(router_, shop_);
    addEventRoutes(router_, office_);
    addRedirectRoutes(router_, shop_, office_, guids_, url_);
    addCheckoutPages(router_, shop_, office_);
    addGraphqlRoute(router_);
}

HttpReply Site::answer(const Match& match, const HttpRequest& request, Time now) {
    try {
        return handle(match, request, now);
    } catch (const Refusal& refusal) {
        return refusal.reply();
    }
}

HttpReply Site::handle(const Match& match, const HttpRequest& request, Time now) {
    if (match.route == nullptr && match.allowed.empty()) {
        return applicationError(404, "NOT_FOUND", "There is nothing at " + request.path);
    }
    if (match.route == nullptr) {
        HttpReply reply = applicationError(405, "METHOD_NOT_ALLOWED", request.method + " is not allowed here");
        reply.headers.emplace_back("Allow", match.allowed);
        return reply;
    }
    const Route& route = *match.route;
    Call call(request);
    call.path = match.path;
    call.now = now;
    if (route.access == Access::visitor) {
        const std::optional<TokenHolder> holder = tokens_.holderOf(tokenOf(request), now);
        if (!holder) return applicationError(401, "UNAUTHENTICATED", "The access token is missing, invalid or expired");
        call.visitorId = holder->visitorId;
        consistency_.see(call.visitorId, request.header("X-Wix-Consistent"));
    }
    HttpReply reply = route.handler(call);
    if (route.effect == Effect::write) {
        reply.headers.emplace_back("X-Wix-Consistent", consistency_.issue(call.visitorId));
    }
    return reply;
}

}  // namespace wix::testing::detail
