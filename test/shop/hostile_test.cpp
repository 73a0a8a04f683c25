// Who wants something that the shop does not sell.
#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

#include <wix/json.hpp>

#include "shop_program.hpp"
#include "support/eventually.hpp"

using namespace wix::test;
using Cart = std::map<std::string, int>;

TEST_CASE("A form without its token, with another session's, or from another site changes nothing") {
    ShopProgram shop;
    Visitor visitor(shop);
    Visitor attacker(shop);
    visitor.buy(mug, 1);
    attacker.get("/");
    const Fields wanted{{"product", notebook}, {"quantity", "1"}};
    const auto with = [&](const std::string& token) {
        Fields fields = wanted;
        fields["csrf"] = token;
        return fields;
    };
    const std::string cookie = visitor.cookie;
    for (const std::string& token :
         {std::string(), std::string("x"), attacker.csrf, visitor.csrf + "A", cookie.substr(cookie.find('=') + 1)}) {
        const raw::Answer refused = visitor.post("/cart/add", with(token));
        CHECK(refused.status == 403);
        // A browser brings no cookie with another site's form: a new one would cost the visitor the session.
        CHECK(refused.header("Set-Cookie").empty());
    }
    for (const std::string header : {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: null",
                                     "Origin: https://evil.example", "Origin: http://localhost.evil.example"})
        CHECK_MESSAGE(visitor.post("/cart/add", wanted, header + "\r\n").status == 403, header);
    CHECK(cartOn(visitor.get("/cart").body) == Cart{{mug, 1}});

    // And as a browser sends it.
    CHECK(visitor.post("/cart/add", wanted, "Sec-Fetch-Site: same-origin\r\nOrigin: http://localhost\r\n").status ==
          303);
    CHECK(cartOn(visitor.get("/cart").body) == Cart{{mug, 1}, {notebook, 1}});
}

TEST_CASE("A cookie that was tampered with, or is another's rubbish, makes a newcomer, and nothing is said about it") {
    ShopProgram shop;
    Visitor visitor(shop);
    visitor.buy(mug, 1);
    const std::string good = visitor.cookie;
    const std::string name = good.substr(0, good.find('=') + 1);
    const std::string newcomer = Visitor(shop).get("/cart").body;

    std::vector<std::string> bad{name, name + "x", name + std::string(5'000, 'A'), good + "A",
                                 good.substr(0, good.size() - 1)};
    for (std::size_t at = name.size(); at < good.size(); at += 7) {
        bad.push_back(good);
        bad.back()[at] = good[at] == 'A' ? 'B' : 'A';
    }
    for (const std::string& cookie : bad) {
        Visitor attacker(shop);
        attacker.cookie = cookie;
        const raw::Answer page = attacker.get("/cart");
        CHECK(page.status == 200);
        CHECK(page.body == newcomer);
        CHECK(attacker.cookie != cookie);
        CHECK(attacker.cookie.substr(0, name.size()) == name);
        if (cookie.size() > name.size() + 8) CHECK(countOf(shop.log(), cookie.substr(name.size())) == 0);
    }
    CHECK(countOf(shop.log(), "a session cookie was refused") == bad.size());
    CHECK(cartOn(visitor.get("/cart").body) == Cart{{mug, 1}});
}

TEST_CASE("Markup in what the API says is text on the page, and a line break in a URL is refused") {
    ShopProgram shop;
    const std::string evil = "<script>alert('1')</script>\"><img src=x onerror=alert(1)>&";
    const auto price = wix::object("formatted", wix::object("price", evil, "discountedPrice", evil));
    const auto product = wix::object("id", evil, "name", evil, "description", evil, "price", price, "stock",
                                     wix::object("inStock", true), "media",
                                     wix::object("mainMedia", wix::object("image", wix::object("url", evil))));
    Visitor visitor(shop);
    shop.fake.failNext(
        "products", 1,
        wix::testing::ScriptedReply(200, boost::json::serialize(wix::object("products", wix::array(product)))));
    const std::string grid = visitor.get("/").body;
    CHECK(grid.find("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&gt;") != std::string::npos);
    shop.fake.failNext("products", 1,
                       wix::testing::ScriptedReply(200, boost::json::serialize(wix::object("product", product))));
    const std::string page = visitor.get("/product/" + mug).body;
    for (const std::string& each : {grid, page}) {
        CHECK(countOf(each, "<script") == 0);
        CHECK(countOf(each, "<img src=x") == 0);
    }

    visitor.buy(mug, 1);
    for (const char* url :
         {"https://wix.example/\r\nSet-Cookie: a=b", "javascript:alert(1)", "", "http://wix.example/"}) {
        shop.fake.failNext("redirect", 1,
                           wix::testing::ScriptedReply(200, boost::json::serialize(wix::object(
                                                                "redirectSession", wix::object("fullUrl", url)))));
        const raw::Answer answer = visitor.post("/checkout", {});
        CHECK(answer.status == 500);
        CHECK(answer.header("Location").empty());
    }
    // An answer that has nothing of what a page wants is no reason to fall over.
    shop.fake.failNext("products", 1, wix::testing::ScriptedReply(200, "[]"));
    CHECK(visitor.get("/").status == 200);
}

TEST_CASE("What is too large or malformed is refused, and the answer arrives") {
    ShopProgram shop;
    const auto statusOf = [&](const std::string& bytes) {
        raw::Client client(shop.port(), "");
        client.send(bytes);
        const raw::Answer answer = client.receive();
        CHECK((answer.status == 0 || answer.complete));
        return answer.status;
    };
    const std::string head = "POST /cart/add HTTP/1.1\r\nHost: localhost\r\n";
    CHECK(statusOf(head + "Content-Length: 70000\r\n\r\n" + std::string(70'000, 'a')) == 413);
    CHECK(statusOf(head + "Content-Length: 99999999999\r\n\r\n") == 413);
    CHECK(statusOf(head + "Transfer-Encoding: chunked\r\n\r\n11170\r\n" + std::string(70'000, 'a') + "\r\n0\r\n\r\n") ==
          413);
    CHECK(statusOf("GET / HTTP/1.1\r\nCookie: " + std::string(20'000, 'a') + "\r\n\r\n") == 431);
    CHECK(statusOf("nonsense\r\n\r\n") == 400);
    CHECK(statusOf("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n") == 400);
    CHECK(statusOf("GET /\x01 HTTP/1.1\r\n\r\n") == 400);
    CHECK(statusOf(head + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\na=b") == 100);
    CHECK(statusOf("GET /healthz HTTP/1.0\r\n\r\n") == 200);
}

TEST_CASE("A slow client cannot hold a connection, nor keep others out") {
    ShopProgram shop({"--patience", "1", "--connections", "3"});
    raw::Client idle(shop.port(), "");
    raw::Client slow(shop.port(), "");
    raw::Client stuck(shop.port(), "");
    CHECK(slow.send("GET / HTTP/1.1\r\nHost:"));
    CHECK(stuck.send("POST /cart/add HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab"));
    raw::Client late(shop.port(), "");  // all places are taken, for a second
    CHECK(late.call("GET", "/healthz").status == 200);
    CHECK(idle.receive().status == 0);
    CHECK(slow.receive().status == 0);
    CHECK(stuck.receive().status == 0);
}

TEST_CASE("A stale cookie of the same name, or an earlier Cookie line, hides no session [C8]") {
    ShopProgram shop;
    Visitor visitor(shop);
    visitor.buy(mug, 1);
    const std::string good = visitor.cookie;
    const std::string stale = good.substr(0, good.find('=') + 1) + "1.k1.AAAA";
    int notebooks = 0;
    for (const std::string& cookie :
         {stale + "; " + good, good + "; " + stale, "theme=dark\r\nCookie: " + good,
          stale + "\r\nCookie: theme=dark; " + good, stale + ";" + stale + "\r\nCookie: " + stale + "; " + good}) {
        CAPTURE(cookie);
        visitor.cookie = cookie;
        CHECK(cartOn(visitor.get("/cart").body).at(mug) == 1);
        // Forms work as well: their token is of the session that opened.
        visitor.cookie = cookie;
        CHECK(visitor.post("/cart/add", {{"product", notebook}, {"quantity", "1"}}).status == 303);
        CHECK(cartOn(visitor.get("/cart").body) == Cart{{mug, 1}, {notebook, ++notebooks}});
    }
    CHECK(shop.log().find("was refused") == std::string::npos);
}

TEST_CASE("The log of a lost session gives no advice that the shop follows by itself [D7]") {
    ShopProgram shop;
    Visitor visitor(shop);
    visitor.buy(mug, 1);
    shop.fake.revokeTokens();
    shop.fake.expireAccessTokens();
    CHECK(cartOn(visitor.get("/cart").body).empty());
    CHECK(eventually([&] { return shop.log().find("a session was lost") != std::string::npos; }));
    CHECK(shop.log().find("the session was rejected") != std::string::npos);
    CHECK(shop.log().find("setTokens") == std::string::npos);
}
