// What a visitor of the shop sees, and what the shop does for it.
#include <doctest/doctest.h>

#include "shop_program.hpp"

using namespace wix::test;
using Cart = std::map<std::string, int>;

TEST_CASE("A visitor looks around, and fills, changes and empties a cart") {
    ShopProgram shop;
    Visitor visitor(shop);

    const raw::Answer grid = visitor.get("/");
    CHECK(grid.status == 200);
    CHECK(countOf(grid.body, "<article>") == 10);
    CHECK(countOf(grid.body, "Sold out") == 1);
    CHECK(visitor.get("/product/" + mug).body.find("Holds 350 ml.") != std::string::npos);
    CHECK(cartOn(visitor.get("/cart").body).empty());

    CHECK(cartOn(visitor.buy(mug, 2).body) == Cart{{mug, 2}});
    raw::Answer cart = visitor.buy(notebook, 1);
    CHECK(cartOn(cart.body) == Cart{{mug, 2}, {notebook, 1}});
    CHECK(between(cart.body, "id=\"total\">", "<") == "$50.95");
    CHECK(between(visitor.get("/events").body, "id=\"count\">", "<") == "3");

    CHECK(visitor.post("/cart/change", {{"line", lineOf(cart.body, mug)}, {"quantity", "5"}}).status == 303);
    CHECK(visitor.post("/cart/remove", {{"line", lineOf(cart.body, notebook)}}).status == 303);
    CHECK(cartOn(visitor.get("/cart").body) == Cart{{mug, 5}});
    // It was removed in another window: that is no reason for an error.
    CHECK(visitor.post("/cart/remove", {{"line", lineOf(cart.body, notebook)}}).status == 303);

    const raw::Answer checkout = visitor.post("/checkout", {});
    CHECK(checkout.status == 303);
    CHECK(checkout.header("Location").find(shop.fake.url() + "/__ecom/checkout?checkoutId=") == 0);
}

TEST_CASE("A visitor reserves tickets and buys them at Wix") {
    ShopProgram shop;
    Visitor visitor(shop);
    CHECK(countOf(visitor.get("/events").body, "<article") == 3);
    const std::string page = visitor.get("/event/pottery-workshop").body;
    const raw::Answer reserved = visitor.post("/reserve", {{"event", between(page, "name=\"event\" value=\"", "\"")},
                                                           {"ticket", between(page, "name=\"ticket\" value=\"", "\"")},
                                                           {"slug", "pottery-workshop"},
                                                           {"quantity", "2"}});
    REQUIRE(reserved.status == 303);
    const std::string reservation = reserved.header("Location");
    CHECK(visitor.get(reservation).body.find("2 tickets, held until") != std::string::npos);
    CHECK(shop.fake.state().reservations == 1);
    const raw::Answer checkout =
        visitor.post("/checkout/tickets",
                     {{"reservation", between(reservation, "/reservation/", "?")}, {"slug", "pottery-workshop"}});
    CHECK(checkout.header("Location").find(shop.fake.url() + "/event-details/pottery-workshop/ticket-form") == 0);

    Visitor other(shop);
    other.get("/");
    CHECK(other.get(reservation).status == 404);
    CHECK(visitor
              .post("/reserve", {{"event", between(page, "name=\"event\" value=\"", "\"")},
                                 {"ticket", between(page, "name=\"ticket\" value=\"", "\"")},
                                 {"slug", "pottery-workshop"},
                                 {"quantity", "30"}})
              .status == 409);
}

TEST_CASE("Who only looks costs no visitor, and every page forbids what the shop does not need") {
    ShopProgram shop;
    for (int i = 0; i < 5; ++i) CHECK(Visitor(shop).get("/").status == 200);
    CHECK(shop.fake.state().visitors == 1);  // the house

    Visitor visitor(shop);
    const raw::Answer page = visitor.get("/");
    CHECK(page.header("Content-Security-Policy").find("default-src 'none'") == 0);
    CHECK(page.header("Content-Security-Policy").find("frame-ancestors 'none'") != std::string::npos);
    CHECK(page.header("X-Content-Type-Options") == "nosniff");
    CHECK(page.header("Referrer-Policy") == "same-origin");
    CHECK(page.header("Cache-Control") == "no-store");
    CHECK(page.header("Set-Cookie").find("HttpOnly") != std::string::npos);
    CHECK(page.header("Set-Cookie").find("SameSite=Lax") != std::string::npos);
    CHECK(page.body.find("<script") == std::string::npos);

    ShopProgram behindFront({"--public-url", "https://shop.example"});
    const std::string cookie = Visitor(behindFront).get("/").header("Set-Cookie");
    CHECK(cookie.find("__Host-wix-session=") == 0);
    CHECK(cookie.find("Secure") != std::string::npos);
}

TEST_CASE("What is not there, and what is asked for wrongly, is said so") {
    ShopProgram shop;
    raw::Client client(shop.port(), "");
    for (const char* path : {"/nothing", "/product/", "/product/a/b", "/product/..%2fcart", "/cart/", "/product/zzz"})
        CHECK_MESSAGE(client.call("GET", path).status == 404, path);
    const raw::Answer wrong = client.call("GET", "/cart/add");
    CHECK(wrong.status == 405);
    CHECK(wrong.header("Allow") == "POST");
    CHECK(client.call("POST", "/cart", "a=b").header("Allow") == "GET, HEAD");

    Visitor visitor(shop);
    visitor.get("/");
    for (const char* quantity : {"0", "-1", "100", "1.5", "", "99999999999", "1%00"})
        CHECK_MESSAGE(visitor.post("/cart/add", {{"product", mug}, {"quantity", quantity}}).status == 400, quantity);
    CHECK(visitor.post("/cart/add", {{"quantity", "1"}}).status == 400);
    CHECK(visitor.post("/cart/add", {{"product", "..%2F..%2Fx"}, {"quantity", "1"}}).status == 404);
    CHECK(visitor.post("/cart/add", {{"product", "%zz"}, {"quantity", "1"}}).status == 400);
    CHECK(cartOn(visitor.get("/cart").body).empty());

    const raw::Answer page = visitor.get("/cart");
    CHECK(client.send("HEAD /cart HTTP/1.1\r\nHost: shop\r\n\r\nGET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n"));
    // Not one byte of a body stands before the next answer.
    std::string head = client.receive().head;
    CHECK(head.find("HTTP/1.1 200") == 0);
}

TEST_CASE("What goes wrong at Wix is a friendly page, and a line in the log with the same reference") {
    ShopProgram shop;
    Visitor visitor(shop);
    visitor.buy(mug, 1);
    shop.fake.failNext("products", 20, wix::testing::ScriptedReply(503));
    raw::Answer page = visitor.get("/");
    CHECK(page.status == 502);
    const std::string reference = between(page.body, "Reference: ", "<");
    REQUIRE(!reference.empty());
    CHECK(countOf(shop.log(), "request " + reference + " GET /: ") == 1);
    shop.fake.clearFaults();

    shop.fake.failNext("products", 20, wix::testing::ScriptedReply(429));
    page = visitor.get("/");
    CHECK(page.status == 503);
    CHECK(page.header("Retry-After") == "5");
    shop.fake.clearFaults();

    // It may have been done, so it is not done again, and the visitor is told where to look.
    shop.fake.cutNext("cart", 1, wix::testing::CutPoint::afterRequest);
    page = visitor.post("/cart/add", {{"product", mug}, {"quantity", "1"}});
    CHECK(page.status == 502);
    CHECK(page.body.find("Your cart shows what counts") != std::string::npos);
    CHECK(cartOn(visitor.get("/cart").body) == Cart{{mug, 2}});

    CHECK(countOf(shop.log(), visitor.cookie.substr(visitor.cookie.find('=') + 1)) == 0);
    CHECK(countOf(shop.log(), visitor.csrf) == 0);
}
