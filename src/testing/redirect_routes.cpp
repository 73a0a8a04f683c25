#include "testing/redirect_routes.hpp"

#include <array>

#include "testing/wix_error.hpp"

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

constexpr std::size_t maxUrl = 2'048;
constexpr std::array<std::string_view, 10> intents = {"ecomCheckout",
                                                      "eventsCheckout",
                                                      "bookingsCheckout",
                                                      "paidPlansCheckout",
                                                      "storesProduct",
                                                      "bookingsBook",
                                                      "login",
                                                      "ecomOrderPaymentRequest",
                                                      "logout",
                                                      "auth"};

struct Destination {
    std::string endpoint;
    HeaderList parameters;
};

Destination ecomCheckout(const json::object& intent, const Shop& shop, const Call& call) {
    const std::string id = stringAt(intent, "checkoutId", "ecomCheckout.");
    if (!isGuid(id)) throw Refusal(validationError("ecomCheckout.checkoutId", "must be a GUID", "FORMAT"));
    if (!shop.ownsCheckout(call.visitorId, id)) {
        throw Refusal(applicationError(404, "CHECKOUT_NOT_FOUND", "Checkout not found"));
    }
    return {"/__ecom/checkout", {{"checkoutId", id}}};
}

Destination eventsCheckout(const json::object& intent, const BoxOffice& office, const Call& call) {
    const std::string id = stringAt(intent, "reservationId", "eventsCheckout.");
    const Reservation* reservation = office.find(id, call.visitorId);
    if (reservation == nullptr || !isActive(*reservation, call.now)) {
        throw Refusal(applicationError(404, "TICKET_RESERVATION_NOT_FOUND", "Ticket reservation not found"));
    }
    const std::string slug = stringAt(intent, "eventSlug", "eventsCheckout.");
    if (reservation->event->slug != slug) throw Refusal(applicationError(404, "EVENT_NOT_FOUND", "Event not found"));
    return {"/event-details/" + slug + "/ticket-form", {{"reservationId", id}}};
}

// Only hands out the URL: a session ends when a browser visits it, and no browser comes here.
Destination logout(const json::object& intent) {
    const std::string id = stringAt(intent, "clientId", "logout.");
    if (!isGuid(id)) throw Refusal(validationError("logout.clientId", "must be a GUID", "FORMAT"));
    return {"/_api/iam/authentication/v1/logout", {{"clientId", id}}};
}

void checkCallbacks(const json::object& body, HeaderList& parameters) {
    const json::object* callbacks = objectAt(body, "callbacks");
    if (callbacks == nullptr) return;
    for (const auto& member : *callbacks) {
        const std::string url = stringAt(*callbacks, member.key(), "callbacks.");
        if (url.size() > maxUrl) {
            throw Refusal(validationError("callbacks." + std::string(member.key()), "is too long", "MAX_LENGTH"));
        }
        parameters.emplace_back(member.key(), url);
    }
}

HttpReply session(const Destination& to, GuidSource& guids, const std::string& siteUrl) {
    std::string url = siteUrl + to.endpoint;
    json::object parameters;
    char separator = '?';
    for (const auto& [name, value] : to.parameters) {
        url.append(1, separator).append(name).append("=").append(percentEncode(value));
        parameters[name] = value;
        separator = '&';
    }
    json::object details;
    details["endpoint"] = to.endpoint;
    details["searchParams"] = std::move(parameters);
    json::object made;
    made["id"] = guids.next();
    made["fullUrl"] = url;
    made["shortUrl"] = siteUrl + "/r/" + std::string(made["id"].as_string());
    made["urlDetails"] = std::move(details);
    json::object answer;
    answer["redirectSession"] = std::move(made);
    return HttpReply(200, answer);
}

HttpReply create(const Shop& shop, const BoxOffice& office, GuidSource& guids, const std::string& siteUrl,
                 const Call& call) {
    const json::object body = parseBody(call.request.body);
    std::string_view intent;
    for (const std::string_view name : intents) {
        if (objectAt(body, name) == nullptr) continue;
        if (!intent.empty()) throw Refusal(validationError(name, "only one intent is allowed", "ONE_OF_ALIGNMENT"));
        intent = name;
    }
    if (intent.empty()) throw Refusal(validationError("intent", "must not be empty", "REQUIRED_ONE_OF_FIELD"));

    Destination to;
    const json::object& details = *objectAt(body, intent);
    if (intent == "ecomCheckout") {
        to = ecomCheckout(details, shop, call);
    } else if (intent == "eventsCheckout") {
        to = eventsCheckout(details, office, call);
    } else if (intent == "logout") {
        to = logout(details);
    } else {
        throw Refusal(applicationError(501, "NOT_IMPLEMENTED", "This fake has no " + std::string(intent)));
    }
    checkCallbacks(body, to.parameters);
    return session(to, guids, siteUrl);
}

}  // namespace

void addRedirectRoutes(Router& router, const Shop& shop, const BoxOffice& office, GuidSource& guids,
                       const std::string& siteUrl) {
    for (const std::string_view path : {"/headless/v1/redirect-session", "/_api/redirects-api/v1/redirect-session"}) {
        router.add(Route("redirect", "POST", path, Access::visitor, Effect::read,
                         [&](const Call& call) { return create(shop, office, guids, siteUrl, call); }));
    }
}

}  // namespace wix::testing::detail
