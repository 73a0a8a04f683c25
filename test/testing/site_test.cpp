// The whole site without a network.
#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "testing/site.hpp"

using namespace wix::testing::detail;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

const Time start{1'700'000'000s};
constexpr const char* clientId = "11111111-2222-3333-4444-555555555555";
constexpr const char* mug = "a0000000-0000-4000-8000-000000000001";

struct Visit {
    explicit Visit(Site& s) : site(s) {
        const json::object body{{"clientId", clientId}, {"grantType", "anonymous"}};
        const json::value tokens = json::parse(ask("POST", "/oauth2/token", json::serialize(body)).body);
        token = std::string(tokens.at("access_token").as_string());
    }

    HttpReply ask(std::string method, std::string target, std::string body = {}, HeaderList headers = {}) {
        if (!token.empty()) headers.emplace_back("Authorization", token);
        const HttpRequest request(std::move(method), std::move(target), std::move(headers), std::move(body));
        return site.answer(site.match(request.method, request.path), request, now);
    }
    json::value get(std::string target) { return body(ask("GET", std::move(target)), 200); }
    json::value post(std::string target, std::string text, int status = 200) {
        return body(ask("POST", std::move(target), std::move(text)), status);
    }
    static json::value body(const HttpReply& reply, int status) {
        CHECK_MESSAGE(reply.status == status, reply.body);
        return json::parse(reply.body);
    }
    json::value addMug(int quantity) {
        return post("/ecom/v1/carts/current/add-to-cart",
                    R"({"lineItems":[{"quantity":)" + std::to_string(quantity) +
                        R"(,"catalogReference":{"appId":"215238eb-22a5-4c36-9e7b-e7c08025e04e","catalogItemId":")" +
                        mug + "\"}}]}");
    }

    Site& site;
    std::string token;
    Time now = start;
};

std::string codeOf(const json::value& error) {
    return std::string(error.at("details").at("applicationError").at("code").as_string());
}

std::string fieldOf(const json::value& error) {
    return std::string(error.at("details").at("validationError").at("fieldViolations").at(0).at("field").as_string());
}

}  // namespace

TEST_CASE("grants") {
    Site site(1);
    const auto grant = [&](std::string body, HeaderList headers = {}) {
        const HttpRequest request("POST", "/oauth2/token", std::move(headers), std::move(body));
        return site.answer(site.match(request.method, request.path), request, start);
    };
    const json::value first =
        json::parse(grant(R"({"clientId":"11111111-2222-3333-4444-555555555555","grantType":"anonymous"})").body);
    CHECK(first.at("expires_in") == 14'400);
    const std::string refresh(first.at("refresh_token").as_string());

    const HeaderList form = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    const json::value renewed = json::parse(grant("grant_type=refresh_token&refresh_token=" + refresh, form).body);
    CHECK(renewed.as_object().contains("access_token"));
    CHECK_FALSE(renewed.as_object().contains("refresh_token"));
    CHECK(grant(std::string("grantType=anonymous&clientId=") + clientId, form).status == 200);

    struct Row {
        std::string body;
        std::string_view error;
    };
    const Row rows[] = {
        {R"({"grantType":"refresh_token","refreshToken":"JWS.a.b.c"})", "invalid_grant"},
        {R"({"grantType":"refresh_token"})", "invalid_request"},
        {R"({"grantType":"password"})", "unsupported_grant_type"},
        {R"({})", "invalid_request"},
        {"nonsense", "invalid_request"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.body);
        const HttpReply reply = grant(row.body);
        CHECK(reply.status == 400);
        CHECK(json::parse(reply.body).at("error").as_string() == row.error);
        CHECK(json::parse(reply.body).at("error_description").is_string());
    }
    CHECK(fieldOf(json::parse(grant(R"({"clientId":"shop","grantType":"anonymous"})").body)) == "appRuntimeKeys.appId");
}

TEST_CASE("token-info") {
    Site site(1);
    Visit visit(site);
    const json::value info = visit.post("/oauth2/token-info", json::serialize(json::object{{"token", visit.token}}));
    CHECK(info.at("active") == true);
    CHECK(info.at("subjectType") == "VISITOR");
    CHECK(info.at("clientId") == clientId);
    CHECK(visit.post("/oauth2/token-info", R"({"token":"x"})").at("active") == false);
}

TEST_CASE("an API call needs a token") {
    Site site(1);
    Visit visit(site);
    const std::string good = visit.token;
    const auto status = [&](std::string value) {
        visit.token.clear();
        return visit.ask("GET", "/stores/v3/products/" + std::string(mug), "", {{"authorization", value}}).status;
    };
    CHECK(status(good) == 200);
    CHECK(status("Bearer " + good) == 200);
    CHECK(status("bearer " + good) == 200);
    CHECK(status("Basic " + good) == 401);
    CHECK(status(good + "x") == 401);
    CHECK(status("") == 401);
    visit.now += 4h;
    CHECK(status(good) == 401);
}

TEST_CASE("paths and methods that do not exist") {
    Site site(1);
    Visit visit(site);
    CHECK(visit.ask("GET", "/nothing").status == 404);
    CHECK(visit.ask("GET", "/ecom/v1/carts/current/").status == 404);
    const HttpReply reply = visit.ask("DELETE", "/stores/v3/products/query");
    CHECK(reply.status == 405);
    CHECK(findHeader(reply.headers, "Allow") == "POST, GET, GET");
    CHECK(site.match("PUT", "/ecom/v1/carts/current").endpoint == "cart");
    CHECK(site.match("GET", "/x").endpoint == "unknown");
}

TEST_CASE("products, in all the ways they are asked for") {
    Site site(1);
    Visit visit(site);
    const json::value v1 = visit.post(
        "/stores-reader/v1/products/query",
        R"({"query":{"filter":"{\"price\":{\"$lt\":10}}","sort":"[{\"price\":\"desc\"}]","paging":{"limit":2}}})");
    CHECK(v1.at("products").as_array().size() == 2);
    CHECK(v1.at("totalResults") == 3);
    CHECK(v1.at("metadata").at("items") == 2);
    CHECK(visit.post("/stores/v1/products/query", "").at("products").as_array().size() == 10);

    const std::string body = base64UrlEncode(R"({"query":{"filter":{"slug":"wool-socks"},"paging":{"limit":1}}})");
    const json::value platform = visit.get("/stores-reader/v1/products/query-platformized?.r=" + body);
    CHECK(platform.at("products").at(0).at("stock").at("inStock") == false);
    CHECK(platform.at("metadata").at("total") == 1);

    const std::string v3 = R"({"query":{"cursorPaging":{"limit":4}},"fields":["CURRENCY"]})";
    const json::value page = visit.post("/stores/v3/products/query", v3);
    CHECK(page.at("products").at(0).at("currency") == "USD");
    CHECK_FALSE(page.at("products").at(0).as_object().contains("variantsInfo"));
    CHECK(page == visit.get("/stores/v3/products/query?.r=" + base64UrlEncode(v3)));
    CHECK(fieldOf(Visit::body(visit.ask("GET", "/stores/v3/products/query?.r=%25"), 400)) == ".r");

    CHECK(visit.get("/stores-reader/v1/products/" + std::string(mug)).at("product").at("slug") == "stoneware-mug");
    const json::value one = visit.get("/stores/v3/products/slug/linen-apron?fields=CURRENCY&fields=URL");
    CHECK(one.at("product").at("currency") == "USD");
    CHECK(one.at("product").at("url").is_string());
    CHECK(one.at("product").at("variantsInfo").at("variants").as_array().size() == 2);
    CHECK(visit.ask("GET", "/stores/v3/products/none").status == 404);
}

TEST_CASE("a cart belongs to its visitor") {
    Site site(1);
    Visit anna(site);
    Visit ben(site);
    CHECK(codeOf(Visit::body(anna.ask("GET", "/ecom/v1/carts/current"), 404)) == "OWNED_CART_NOT_FOUND");
    CHECK(anna.addMug(2).at("cart").at("revision") == "1");
    CHECK(anna.addMug(1).at("cart").at("revision") == "2");
    CHECK(codeOf(Visit::body(ben.ask("GET", "/ecom/v1/carts/current"), 404)) == "OWNED_CART_NOT_FOUND");

    const json::value cart = anna.get("/ecom/v1/carts/current").at("cart");
    CHECK(cart.at("lineItems").at(0).at("quantity") == 3);
    const std::string line(cart.at("lineItems").at(0).at("id").as_string());
    const auto path = [](const char* verb) { return "/ecom/v1/carts/current/" + std::string(verb); };

    const json::value updated =
        anna.post(path("update-line-items-quantity"), R"({"lineItems":[{"id":")" + line + R"(","quantity":5}]})");
    CHECK(updated.at("cart").at("lineItems").at(0).at("quantity") == 5);
    const std::string none = R"({"lineItems":[{"id":")" + line + R"(","quantity":0}]})";
    CHECK(fieldOf(anna.post(path("update-line-items-quantity"), none, 400)) == "lineItems[0].quantity");
    CHECK(codeOf(anna.post(path("remove-line-items"), R"({"lineItemIds":[")" + line + R"(","x"]})", 404)) ==
          "LINE_ITEM_NOT_FOUND_IN_CART");
    CHECK(anna.get("/ecom/v1/carts/current").at("cart").at("lineItems").as_array().size() == 1);

    const HttpReply patched = anna.ask("PATCH", "/ecom/v1/carts/current",
                                       R"({"cartInfo":{"buyerNote":"hi"},"couponCode":"TENOFF",)"
                                       R"("customLineItems":[{"productName":{"original":"Wrap"},"price":"1.50"}]})");
    const json::value info = Visit::body(patched, 200).at("cart");
    CHECK(info.at("buyerNote") == "hi");
    CHECK(info.at("appliedDiscounts").at(0).at("coupon").at("code") == "TENOFF");
    CHECK(codeOf(Visit::body(anna.ask("PATCH", "/ecom/v1/carts/current", R"({"couponCode":"X"})"), 400)) ==
          "ERROR_COUPON_DOES_NOT_EXIST");
    CHECK(anna.post(path("estimate-totals"), "{}").at("priceSummary").at("total").at("amount") == "82.35");
    CHECK(anna.post(path("remove-coupon"), "{}").at("cart").at("appliedDiscounts").as_array().empty());

    const json::value checkout = anna.post(path("create-checkout"), R"({"channelType":"WEB"})");
    CHECK(anna.post(path("create-checkout"), "").at("checkoutId") == checkout.at("checkoutId"));
    const std::string redirect = json::serialize(json::object{{"ecomCheckout", checkout}});
    const json::value session = anna.post("/headless/v1/redirect-session", redirect).at("redirectSession");
    CHECK(session.at("fullUrl").as_string().find("checkoutId=") != json::string::npos);
    CHECK(codeOf(ben.post("/headless/v1/redirect-session", redirect, 404)) == "CHECKOUT_NOT_FOUND");

    CHECK(anna.ask("DELETE", "/ecom/v1/carts/current").body == "{}");
    CHECK(anna.ask("DELETE", "/ecom/v1/carts/current").status == 404);
}

TEST_CASE("what add-to-cart refuses, and that it then changes nothing") {
    Site site(1);
    Visit visit(site);
    struct Row {
        std::string_view body;
        std::string_view field;
    };
    const Row rows[] = {
        {R"({})", "lineItems"},
        {R"({"lineItems":7})", "lineItems"},
        {R"({"lineItems":[7]})", "lineItems"},
        {R"({"lineItems":[{"quantity":1}]})", "lineItems[0].catalogReference"},
        {R"({"lineItems":[{"quantity":1,"catalogReference":{"appId":"stores","catalogItemId":"x"}}]})",
         "lineItems[0].catalogReference.appId"},
        {R"({"customLineItems":[{"price":"free"}]})", "customLineItems[0].price"},
        {R"([])", "body"},
        {R"({"lineItems":)", "body"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.body);
        CHECK(fieldOf(visit.post("/ecom/v1/carts/current/add-to-cart", std::string(row.body), 400)) == row.field);
    }
    CHECK(visit.ask("GET", "/ecom/v1/carts/current").status == 404);
}

TEST_CASE("tickets are held by reservations, and come back") {
    Site site(1);
    Visit visit(site);
    Visit other(site);
    const std::string event = "d0000000-0000-4000-8000-000000000001";
    const std::string ticket = "e0000000-0000-4000-8000-000000000012";  // 4 of them
    const auto left = [&] {
        const json::value found = visit.get("/events/v1/checkout/available-tickets?eventId=" + event);
        return found.at("definitions").at(1).at("salesDetails").at("unsoldCount").as_int64();
    };
    const auto old = [&](const std::string& eventId, const std::string& ticketId, int quantity, int status) {
        return visit.post("/events/v1/checkout/reservations",
                          R"({"eventId":")" + eventId + R"(","ticketQuantities":[{"ticketDefinitionId":")" + ticketId +
                              R"(","quantity":)" + std::to_string(quantity) + "}]}",
                          status);
    };
    CHECK(left() == 4);
    const json::value made = old(event, ticket, 3, 200);
    CHECK(made.at("reservationStatus") == "RESERVATION_PENDING");
    CHECK(made.at("invoice").at("grandTotal").at("amount") == "180.00");
    CHECK(left() == 1);
    CHECK(site.office().active(visit.now) == 1);
    old(event, ticket, 2, 409);
    CHECK(codeOf(old("d0000000-0000-4000-8000-000000000099", ticket, 1, 404)) == "EVENT_NOT_FOUND");
    CHECK(codeOf(old("d0000000-0000-4000-8000-000000000002", ticket, 1, 404)) == "TICKET_DEFINITION_NOT_FOUND");
    CHECK(fieldOf(old(event, ticket, 51, 400)) == "ticketQuantities[0].quantity");

    const std::string id(made.at("id").as_string());
    CHECK(codeOf(Visit::body(other.ask("DELETE", "/events/v1/checkout/reservations/" + id), 404)) ==
          "TICKET_RESERVATION_NOT_FOUND");
    const std::string sessions = "/_api/redirects-api/v1/redirect-session";
    const std::string redirect =
        R"({"eventsCheckout":{"reservationId":")" + id + R"(","eventSlug":"pottery-workshop"}})";
    CHECK(visit.post(sessions, redirect).at("redirectSession").at("id").is_string());
    CHECK(codeOf(other.post(sessions, redirect, 404)) == "TICKET_RESERVATION_NOT_FOUND");
    Visit::body(visit.ask("DELETE", "/events/v1/checkout/reservations/" + id + "?eventId=" + event), 200);
    CHECK(left() == 4);
    visit.post(sessions, redirect, 404);

    const json::value fresh =
        visit.post("/events/v1/ticket-reservations",
                   R"({"ticketReservation":{"tickets":[{"ticketDefinitionId":")" + ticket + R"(","quantity":4}]}})");
    const std::string newId(fresh.at("ticketReservation").at("id").as_string());
    CHECK(fresh.at("ticketReservation").at("status") == "PENDING");
    CHECK(left() == 0);
    visit.now += 20min;
    CHECK(left() == 4);
    const std::string path = "/events/v1/ticket-reservations/" + newId;
    CHECK(visit.get(path).at("ticketReservation").at("status") == "EXPIRED");
    CHECK(visit.post(path + "/cancel", "").at("ticketReservation").at("status") == "CANCELED");
    CHECK(other.ask("GET", path).status == 404);
}

TEST_CASE("events") {
    Site site(1);
    Visit visit(site);
    const json::value found = visit.post(
        "/events/v3/events/query", R"({"query":{"filter":{"registration.type":"TICKETING"},"paging":{"limit":1}}})");
    CHECK(found.at("events").as_array().size() == 1);
    CHECK(found.at("pagingMetadata").at("total") == 2);
    const json::value one = visit.get("/events/v3/events/slug/open-studio");
    CHECK(visit.get("/events/v3/events/" + std::string(one.at("event").at("id").as_string())) == one);
    CHECK(codeOf(Visit::body(visit.ask("GET", "/events/v3/events/none"), 404)) == "EVENT_NOT_FOUND");
    const json::value tickets = visit.get("/events/v1/checkout/available-tickets?limit=1&offset=2");
    CHECK(tickets.at("definitions").at(0).at("free") == true);
    CHECK(visit.ask("GET", "/events/v1/checkout/available-tickets?limit=101").status == 400);
}

TEST_CASE("redirect sessions have exactly one intent") {
    Site site(1);
    Visit visit(site);
    const std::string path = "/headless/v1/redirect-session";
    CHECK(fieldOf(visit.post(path, "{}", 400)) == "intent");
    CHECK(fieldOf(visit.post(path, R"({"ecomCheckout":{},"logout":{}})", 400)) == "logout");
    CHECK(fieldOf(visit.post(path, R"({"ecomCheckout":{"checkoutId":"x"}})", 400)) == "ecomCheckout.checkoutId");
    visit.post(path, R"({"storesProduct":{"productSlug":"x"}})", 501);
    const json::value out = visit.post(path, R"({"logout":{"clientId":")" + std::string(clientId) +
                                                 R"("},"callbacks":{"postFlowUrl":"https://a.example/?x=1&y=2"}})");
    CHECK(out.at("redirectSession")
              .at("fullUrl")
              .as_string()
              .ends_with("&postFlowUrl=https%3a%2f%2fa.example%2f%3fx%3d1%26y%3d2"));
}

TEST_CASE("GraphQL answers a query for products, and says so when it cannot") {
    Site site(1);
    Visit visit(site);
    const json::value found = visit.post("/graphql/alpha", R"({"query":"query Q { products { items { id name } } }"})");
    CHECK(found.at("data").at("products").at("items").as_array().size() == 10);
    CHECK(found.at("data").at("products").at("items").at(0).as_object().size() == 2);
    const json::value unknown = visit.post("/graphql/alpha", R"({"query":"{ weather { today } }","variables":{}})");
    CHECK(unknown.at("data").is_null());
    CHECK(unknown.at("errors").as_array().size() == 1);
    CHECK(visit.ask("POST", "/graphql/alpha", "{}").status == 400);
}

TEST_CASE("a write gives a new consistency value, and its replay is counted") {
    Site site(1);
    Visit visit(site);
    CHECK(findHeader(visit.ask("GET", "/stores/v3/products/query").headers, "X-Wix-Consistent").empty());
    visit.addMug(1);
    CHECK(site.consistency().issued() == 1);
    const HttpReply write = visit.ask("POST", "/ecom/v1/carts/current/remove-coupon", "{}");
    const std::string value(findHeader(write.headers, "X-Wix-Consistent"));
    CHECK_FALSE(value.empty());
    visit.ask("GET", "/ecom/v1/carts/current", "", {{"x-wix-consistent", value}});
    CHECK(site.consistency().replayed() == 1);
    visit.ask("GET", "/ecom/v1/carts/current", "", {{"X-Wix-Consistent", "stale"}});
    Visit(site).ask("GET", "/stores/v3/products/query", "", {{"X-Wix-Consistent", value}});
    CHECK(site.consistency().foreign() == 2);
    CHECK(site.consistency().replayed() == 1);
}
