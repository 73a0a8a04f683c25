// The server as its users see it, over real connections.
#include <doctest/doctest.h>

#include <wix/testing/fake_wix.hpp>

#include <zlib.h>
#include <boost/json/serialize.hpp>

#include <future>
#include <thread>
#include <vector>

#include "raw_client.hpp"

using namespace wix::testing;
using namespace std::chrono_literals;
namespace json = boost::json;
using raw::Answer;
using raw::Client;

namespace {

constexpr const char* anonymous = R"({"clientId":"11111111-2222-3333-4444-555555555555","grantType":"anonymous"})";
constexpr const char* products = "/stores-reader/v1/products/query";
constexpr const char* cart = "/ecom/v1/carts/current";

struct Visitor {
    explicit Visitor(const FakeWix& wix) : client(wix.port(), wix.caPem()) {
        const json::value tokens = client.call("POST", "/oauth2/token", anonymous).json();
        access = std::string(tokens.at("access_token").as_string());
        refresh = std::string(tokens.at("refresh_token").as_string());
    }
    std::string authorization() const { return "Authorization: " + access + "\r\n"; }
    Answer query(std::string headers = "") { return client.call("POST", products, "{}", authorization() + headers); }
    Answer renew() {
        return client.call("POST", "/oauth2/token",
                           R"({"grantType":"refresh_token","refreshToken":")" + refresh + "\"}");
    }
    Answer addToCart() {
        return client.call("POST", std::string(cart) + "/add-to-cart",
                           R"({"customLineItems":[{"productName":{"original":"x"},"price":"1"}]})", authorization());
    }

    Client client;
    std::string access;
    std::string refresh;
};

std::string inflated(const std::string& bytes, int windowBits) {
    z_stream stream{};
    REQUIRE(inflateInit2(&stream, windowBits) == Z_OK);
    std::string text(1u << 20, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(text.data());
    stream.avail_out = static_cast<uInt>(text.size());
    const int outcome = inflate(&stream, Z_FINISH);
    text.resize(stream.total_out);
    inflateEnd(&stream);
    CHECK(outcome == Z_STREAM_END);
    return text;
}

}  // namespace

TEST_CASE("token requests fail by grant and by refresh token, without an effect") {
    FakeWix wix;
    Visitor first(wix), second(wix);
    wix.failTokenRequests(TokenRequestMatch("refresh_token", first.refresh), 2,
                          ScriptedReply(403, R"({"error":"access_denied"})", {{"X-Firewall", "yes"}}));
    for (int i = 0; i < 2; ++i) {
        CHECK(second.renew().status == 200);
        const Answer refused = first.renew();
        CHECK(refused.status == 403);
        CHECK(refused.header("X-Firewall") == "yes");
        CHECK(refused.body == R"({"error":"access_denied"})");
    }
    CHECK(first.renew().status == 200);
    wix.failTokenRequests(TokenRequestMatch("anonymous"), 1, ScriptedReply(503));
    wix.failTokenRequests(TokenRequestMatch("refresh_token"), 1, ScriptedReply(404));
    CHECK(first.client.call("POST", "/oauth2/token", anonymous).status == 503);
    CHECK(second.client
              .call("POST", "/oauth2/token", "grantType=refresh_token&refreshToken=" + second.refresh,
                    "Content-Type: application/x-www-form-urlencoded\r\n")
              .status == 404);
    CHECK(wix.state().tokens["refresh_token"] == 3);
    wix.failTokenRequests(TokenRequestMatch(), 1, ScriptedReply(503));
    CHECK(first.client.call("POST", "/oauth2/token", "malformed").status == 503);
    wix.failTokenRequests(TokenRequestMatch(), 5, ScriptedReply(503));
    wix.clearFaults();
    CHECK(first.renew().status == 200);
    CHECK_THROWS_AS(wix.failTokenRequests(TokenRequestMatch("password"), 1, ScriptedReply(503)), std::invalid_argument);
}

TEST_CASE("it serves over TLS, with and without a client that keeps its connection") {
    FakeWix wix;
    CHECK(wix.url() == "https://localhost:" + std::to_string(wix.port()));
    Visitor visitor(wix);
    CHECK(visitor.client.verifyResult() == X509_V_OK);
    for (int i = 0; i < 3; ++i) CHECK(visitor.query().status == 200);
    const Answer answer = visitor.query();
    CHECK(answer.header("x-wix-request-id").size() == 36);
    CHECK(answer.header("Date").ends_with(" GMT"));
    CHECK(wix.state().totalConnections == 1);
    CHECK(wix.state().openConnections == 1);
    CHECK(visitor.query("Connection: close\r\n").header("Connection") == "close");
    CHECK(visitor.client.receive().ordered);
    CHECK(wix.state().requests.at("products") == 5);
    CHECK(wix.state().tokens.at("anonymous") == 1);
    CHECK(Client(wix.port(), wix.caPem(), "edge.wixapis.com").verifyResult() == X509_V_OK);
    CHECK(Client(wix.port(), wix.caPem(), "127.0.0.1").verifyResult() == X509_V_OK);
}

TEST_CASE("plain HTTP") {
    FakeWixOptions options;
    options.tls = false;
    FakeWix wix(options);
    CHECK(wix.url().starts_with("http://"));
    CHECK(wix.caPem().empty());
    CHECK(Visitor(wix).query().status == 200);
}

TEST_CASE("certificates that a client must refuse") {
    FakeWixOptions options;
    options.certificate = Certificate::wrongHost;
    FakeWix wrongHost(options);
    CHECK(Client(wrongHost.port(), wrongHost.caPem()).verifyResult() == X509_V_ERR_HOSTNAME_MISMATCH);
    options.certificate = Certificate::expired;
    FakeWix expired(options);
    CHECK(Client(expired.port(), expired.caPem()).verifyResult() == X509_V_ERR_CERT_HAS_EXPIRED);
    FakeWix other;
    CHECK(Client(other.port(), expired.caPem()).verifyResult() != X509_V_OK);
}

TEST_CASE("compressed answers") {
    FakeWix wix;
    Visitor visitor(wix);
    const std::string text = visitor.query().body;
    const Answer gzip = visitor.query("Accept-Encoding: gzip, deflate\r\n");
    CHECK(gzip.header("Content-Encoding") == "gzip");
    CHECK(inflated(gzip.body, 15 + 16) == text);
    const Answer deflate = visitor.query("Accept-Encoding: deflate\r\n");
    CHECK(deflate.header("Content-Encoding") == "deflate");
    CHECK(inflated(deflate.body, 15) == text);
    const Answer small = visitor.client.call("GET", cart, "", visitor.authorization() + "Accept-Encoding: gzip\r\n");
    CHECK(small.header("Content-Encoding").empty());
}

TEST_CASE("what is not a request, and what is too much of one") {
    FakeWixOptions options;
    options.maxBodyBytes = 1000;
    FakeWix wix(options);
    Client nonsense(wix.port(), wix.caPem());
    nonsense.send("this is not HTTP\r\n\r\n");
    CHECK(nonsense.receive().status == 400);

    Visitor visitor(wix);
    const Answer tooLarge = visitor.client.call("POST", products, std::string(200'000, ' '), visitor.authorization());
    CHECK(tooLarge.status == 413);
    CHECK(tooLarge.header("Connection") == "close");

    Client chunked(wix.port(), wix.caPem());
    chunked.send("POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    chunked.send("7d0\r\n" + std::string(2000, ' ') + "\r\n0\r\n\r\n");
    CHECK(chunked.receive().status == 413);

    Client expecting(wix.port(), wix.caPem());
    expecting.send("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    CHECK(expecting.receive().status == 100);
    expecting.send("{}");
    CHECK(expecting.receive().status == 404);
}

TEST_CASE("token knobs") {
    FakeWix wix;
    Visitor visitor(wix);
    wix.expireAccessTokens();
    CHECK(visitor.query().status == 401);
    const json::value renewed = visitor.renew().json();
    CHECK_FALSE(renewed.as_object().contains("refresh_token"));
    visitor.access = std::string(renewed.at("access_token").as_string());
    CHECK(visitor.query().status == 200);
    wix.advanceClock(4h);
    CHECK(visitor.query().status == 401);
    wix.setAccessTokenLifetime(7s);
    wix.setRefreshTokenInReply(true);
    const json::value again = visitor.renew().json();
    CHECK(again.at("expires_in") == 7);
    CHECK(again.at("refresh_token").as_string() == visitor.refresh);
    wix.setRotation(Rotation(true, 10s));
    CHECK(visitor.renew().json().at("refresh_token").as_string() != visitor.refresh);
    CHECK(visitor.renew().status == 200);
    wix.advanceClock(10s);
    CHECK(visitor.renew().json().at("error") == "invalid_grant");
    wix.revokeTokens();
    CHECK(visitor.query().status == 401);
}

TEST_CASE("one visitor's tokens can be revoked") {
    FakeWix wix;
    Visitor anna(wix);
    Visitor ben(wix);
    anna.addToCart();
    REQUIRE(wix.state().carts.size() == 1);
    CHECK(wix.state().carts[0].lines == 1);
    wix.revokeTokens(wix.state().carts[0].visitorId);
    CHECK(anna.query().status == 401);
    CHECK(anna.renew().status == 400);
    CHECK(ben.query().status == 200);
}

TEST_CASE("scripted failures") {
    FakeWix wix;
    Visitor visitor(wix);
    wix.failNext("products", 2, ScriptedReply(503, "<h1>busy</h1>", {{"Retry-After", "7"}}));
    for (int i = 0; i < 2; ++i) {
        const Answer answer = visitor.query("Accept-Encoding: gzip\r\n");
        CHECK(answer.status == 503);
        CHECK(answer.header("Retry-After") == "7");
        CHECK(answer.header("Content-Type") == "text/html");
        CHECK(answer.body == "<h1>busy</h1>");
    }
    CHECK(visitor.query().status == 200);
    wix.failNext("*", 1, ScriptedReply(500));
    CHECK(visitor.client.call("GET", "/_fake/state").status == 200);
    CHECK(visitor.query().status == 500);
    wix.failNext("cart", 1, ScriptedReply(500));
    CHECK(visitor.addToCart().status == 500);
    CHECK(wix.state().carts.empty());
    CHECK_THROWS_AS(wix.failNext("basket", 1, ScriptedReply()), std::invalid_argument);
    CHECK_THROWS_AS(wix.hold("basket"), std::invalid_argument);
    CHECK_THROWS_AS((void)wix.requests("basket"), std::invalid_argument);
}

TEST_CASE("the rate limit is about API calls") {
    FakeWix wix;
    Visitor visitor(wix);
    wix.setRateLimit(1, true);
    CHECK(visitor.query().status == 200);
    const Answer limited = visitor.query();
    CHECK(limited.status == 429);
    CHECK(std::atoi(limited.header("Retry-After").c_str()) > 0);
    CHECK(visitor.renew().status == 200);
    CHECK(wix.state().rateLimited == 1);
    wix.advanceClock(60s);
    CHECK(visitor.query().status == 200);
    wix.clearFaults();
    CHECK(visitor.query().status == 200);
}

TEST_CASE("cut connections") {
    FakeWix wix;
    struct Row {
        CutPoint at;
        bool effect;
        int status;
    };
    const Row rows[] = {{CutPoint::beforeRequest, false, 0},
                        {CutPoint::afterRequest, true, 0},
                        {CutPoint::afterHeaders, true, 200},
                        {CutPoint::midBody, true, 200}};
    std::size_t carts = 0;
    for (const Row& row : rows) {
        CAPTURE(static_cast<int>(row.at));
        Visitor visitor(wix);
        wix.cutNext("cart", 1, row.at);
        const Answer answer = visitor.addToCart();
        CHECK(answer.status == row.status);
        CHECK_FALSE(answer.complete);
        CHECK_FALSE(answer.ordered);
        CHECK(answer.body.empty() == (row.at != CutPoint::midBody));
        carts += row.effect ? 1 : 0;
        CHECK(wix.state().carts.size() == carts);
    }
    CHECK(wix.state().requests.at("cart") == 4);
}

TEST_CASE("raw answers") {
    FakeWix wix;
    Visitor visitor(wix);
    wix.answerRaw("products", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false);
    CHECK(visitor.query().body == "hi");
    CHECK(visitor.query().status == 200);
    wix.answerRaw("products", "garbage", true);
    const Answer answer = visitor.query();
    CHECK(answer.status == 0);
    CHECK(answer.body == "garbage");
    CHECK(answer.ordered);
}

TEST_CASE("an answer that drips is the same answer, byte by byte") {
    FakeWix wix;
    Visitor visitor(wix);
    wix.dripNext("cart", 1, 1ms);
    const Answer slow = visitor.addToCart();
    CHECK(slow.status == 200);
    CHECK(slow.complete);
    CHECK(slow.json().at("cart").at("lineItems").as_array().size() == 1);
    CHECK(wix.state().carts.size() == 1);
    CHECK(visitor.query().status == 200);  // over the same connection
    CHECK(wix.state().totalConnections == 1);
}

TEST_CASE("held requests") {
    FakeWix wix;
    Visitor visitor(wix);

    SUBCASE("before they take effect") {
        wix.hold("cart");
        auto answer = std::async(std::launch::async, [&] { return visitor.addToCart().status; });
        REQUIRE(wix.waitUntilHeld("cart", 1, 5s));
        CHECK_FALSE(wix.waitUntilHeld("cart", 2, 10ms));
        CHECK(wix.state().carts.empty());
        wix.release("cart");
        CHECK(answer.get() == 200);
        CHECK(visitor.addToCart().status == 200);
    }
    SUBCASE("after they have taken effect") {
        wix.hold("*", HoldPoint::beforeReply);
        auto answer = std::async(std::launch::async, [&] { return visitor.addToCart().status; });
        REQUIRE(wix.waitUntilHeld("*", 1, 5s));
        CHECK(wix.state().carts.size() == 1);
        wix.clearFaults();
        CHECK(answer.get() == 200);
    }
    SUBCASE("many at once") {
        std::vector<std::unique_ptr<Visitor>> visitors;
        for (int i = 0; i < 4; ++i) visitors.push_back(std::make_unique<Visitor>(wix));
        wix.hold("products");
        std::vector<std::future<int>> answers;
        for (auto& one : visitors) {
            answers.push_back(std::async(std::launch::async, [&one] { return one->query().status; }));
        }
        REQUIRE(wix.waitUntilHeld("products", 4, 5s));
        wix.release("products");
        for (auto& answer : answers) CHECK(answer.get() == 200);
    }
}

TEST_CASE("it ends while requests are held, delayed and connections idle") {
    auto wix = std::make_unique<FakeWix>();
    Visitor held(*wix);
    Visitor delayed(*wix);
    Visitor idle(*wix);
    wix->hold("cart");
    wix->setDelay("products", 60s);
    auto first = std::async(std::launch::async, [&] { return held.addToCart().status; });
    auto second = std::async(std::launch::async, [&] { return delayed.query().status; });
    REQUIRE(wix->waitUntilHeld("cart", 1, 5s));
    const auto begun = std::chrono::steady_clock::now();
    wix.reset();
    CHECK(first.get() == 0);
    CHECK(second.get() == 0);
    CHECK(std::chrono::steady_clock::now() - begun < 3s);
}

TEST_CASE("a silent connection is closed") {
    FakeWixOptions options;
    options.idleTimeout = 20ms;
    FakeWix wix(options);
    Client client(wix.port(), wix.caPem());
    CHECK(client.receive().status == 0);
}

TEST_CASE("requests are remembered") {
    FakeWix wix;
    Visitor visitor(wix);
    visitor.query("X-Test: 1\r\n");
    const std::vector<ReceivedRequest> seen = wix.requests("products");
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].method == "POST");
    CHECK(seen[0].target == products);
    CHECK(seen[0].body == "{}");
    CHECK(seen[0].header("x-test") == "1");
    CHECK(seen[0].header("AUTHORIZATION") == visitor.access);
    CHECK(seen[0].header("Absent").empty());
    for (int i = 0; i < 300; ++i) visitor.client.call("GET", "/" + std::to_string(i));
    const std::vector<ReceivedRequest> latest = wix.requests("unknown");
    REQUIRE(latest.size() == 256);
    CHECK(latest.back().target == "/299");
    CHECK(wix.requests("*").size() == 256);
    CHECK(wix.requests("graphql").empty());
}

TEST_CASE("state and knobs over HTTP") {
    FakeWix wix;
    Visitor visitor(wix);
    const auto configure = [&](const char* body) { return visitor.client.call("POST", "/_fake/config", body); };
    const char* fail = R"({"fail":[{"endpoint":"products","status":502,"body":"bad","headers":{"X":"y"}}]})";
    CHECK(configure(fail).body == "{}");
    CHECK(visitor.query().header("X") == "y");
    CHECK(configure(R"({"cut":[{"endpoint":"products","at":"afterHeaders"}],"nonsense":1})").status == 400);
    CHECK(visitor.query().complete);
    CHECK(configure(R"({"expireAccessTokens":true})").status == 200);
    CHECK(visitor.query().status == 401);
    const json::value state = visitor.client.call("GET", "/_fake/state").json();
    CHECK(state.at("requests").at("products") == 3);
    CHECK(state.at("requests").at("unknown") == 0);
    CHECK(state.at("tokens").at("anonymous") == 1);
    CHECK(state.at("visitors") == 1);
    CHECK(state.at("connections").at("open") == 1);
    CHECK(state.at("carts").at("count") == 0);
    CHECK(visitor.client.call("POST", "/_fake/state", "{}").status == 405);
    CHECK(visitor.client.call("GET", "/_fake/other").status == 404);
    CHECK(configure("[]").status == 400);
}

TEST_CASE("knobs and counters from many threads while it serves") {
    FakeWix wix;
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&wix] {
            Visitor visitor(wix);
            for (int i = 0; i < 20; ++i) visitor.query();
        });
        threads.emplace_back([&wix] {
            for (int i = 0; i < 50; ++i) {
                wix.setDelay("products", std::chrono::milliseconds(i % 2));
                wix.failNext("products", 1, ScriptedReply(503));
                wix.hold("products");
                wix.setRotation(Rotation(true, 1s));
                (void)wix.state();
                (void)wix.requests("*");
                wix.release("products");
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wix.state().requests.at("products") == 60);
}
