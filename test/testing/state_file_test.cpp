// The fake keeps its state in a file, has pages for checkouts, and returns its configuration.
#include <doctest/doctest.h>

#include <wix/testing/fake_wix.hpp>

#include <sys/stat.h>

#include <filesystem>
#include <optional>

#include "raw_client.hpp"
#include "storage/temp_directory.hpp"
#include "support/child_process.hpp"
#include "testing/command_line.hpp"

using namespace wix::testing;
using namespace wix::test;
namespace json = boost::json;
using raw::Answer;
using raw::Client;

namespace {

constexpr const char* anonymous = R"({"clientId":"11111111-2222-3333-4444-555555555555","grantType":"anonymous"})";
const std::string currentCart = "/ecom/v1/carts/current";

FakeWixOptions withStateIn(const std::string& path) {
    FakeWixOptions options;
    options.tls = false;
    options.stateFile = path;
    return options;
}

std::string memberOf(const json::value& value, std::string_view name) {
    return std::string(value.at(name).as_string());
}

struct Visitor {
    explicit Visitor(const FakeWix& wix) : client(wix.port(), "") {}

    void comeIn() {
        const json::value tokens = client.call("POST", "/oauth2/token", anonymous).json();
        access = memberOf(tokens, "access_token");
        refresh = memberOf(tokens, "refresh_token");
    }
    Answer post(const std::string& path, const std::string& body) {
        return client.call("POST", path, body, "Authorization: " + access + "\r\n");
    }
    Answer get(const std::string& path) { return client.call("GET", path, "", "Authorization: " + access + "\r\n"); }
    void add(const std::string& name, int quantity) {
        const Answer added = post(currentCart + "/add-to-cart", R"({"customLineItems":[{"productName":{"original":")" +
                                                                    name + R"("},"price":"2.50","quantity":)" +
                                                                    std::to_string(quantity) + "}]}");
        REQUIRE(added.status == 200);
    }
    std::string renew() {
        const Answer renewed =
            client.call("POST", "/oauth2/token", R"({"grantType":"refresh_token","refreshToken":")" + refresh + "\"}");
        return renewed.status == 200 ? memberOf(renewed.json(), "access_token") : std::string();
    }

    Client client;
    std::string access;
    std::string refresh;
};

/// Path and query of the page to which a redirect session for the cart leads.
std::string checkoutPage(Visitor& visitor, const FakeWix& wix, const std::string& callbacks) {
    const std::string id =
        memberOf(visitor.post(currentCart + "/create-checkout", R"({"channelType":"WEB"})").json(), "checkoutId");
    const json::value session = visitor
                                    .post("/headless/v1/redirect-session", R"({"ecomCheckout":{"checkoutId":")" + id +
                                                                               R"("},"callbacks":)" + callbacks + "}")
                                    .json()
                                    .at("redirectSession");
    const std::string url = memberOf(session, "fullUrl");
    REQUIRE(url.starts_with(wix.url()));
    return url.substr(wix.url().size());
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a state file keeps visitors, tokens, carts and checkouts over a restart [D9]") {
    const wix::detail::test::TempDirectory directory;
    const std::string file = (directory / "fake.json").string();
    std::string access, refresh, cart, page;
    {
        const FakeWix wix(withStateIn(file));
        Visitor visitor(wix);
        visitor.comeIn();
        visitor.add("Lamp", 3);
        page = checkoutPage(visitor, wix, "{}");
        Visitor other(wix);
        other.comeIn();
        other.add("Chair", 1);
        cart = visitor.get(currentCart).body;
        access = visitor.access;
        refresh = visitor.refresh;
    }
    struct stat about {};
    REQUIRE(::stat(file.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    CHECK_FALSE(std::filesystem::exists(file + ".new"));

    FakeWix wix(withStateIn(file));
    CHECK(wix.state().visitors == 2);
    CHECK(wix.state().carts.size() == 2);
    Visitor again(wix);
    again.access = access;
    again.refresh = refresh;
    CHECK(again.get(currentCart).body == cart);
    CHECK(again.client.call("GET", page).status == 200);
    wix.expireAccessTokens();
    CHECK(again.get(currentCart).status == 401);
    again.access = again.renew();
    CHECK(again.get(currentCart).body == cart);
    again.add("Table", 1);
    CHECK(again.get(currentCart).json().at("cart").at("lineItems").as_array().size() == 2);
    Visitor newcomer(wix);
    newcomer.comeIn();
    CHECK(newcomer.get(currentCart).status == 404);
}

TEST_CASE("a rotated refresh token and its grace period survive a restart [D9]") {
    const wix::detail::test::TempDirectory directory;
    const std::string file = (directory / "fake.json").string();
    std::string first, rotated;
    {
        FakeWix wix(withStateIn(file));
        wix.setRotation(Rotation(true, std::chrono::seconds(1'000)));
        Visitor visitor(wix);
        visitor.comeIn();
        first = visitor.refresh;
        rotated = visitor.renew();
        REQUIRE_FALSE(rotated.empty());
    }
    FakeWix wix(withStateIn(file));
    wix.setRotation(Rotation(true, std::chrono::seconds(1'000)));
    Visitor visitor(wix);
    visitor.refresh = first;
    CHECK(visitor.renew() == rotated);
}

TEST_CASE("a damaged state file is named, and left as it is [D9]") {
    const wix::detail::test::TempDirectory directory;
    const std::string file = (directory / "fake.json").string();
    std::string content;
    SUBCASE("empty") {}
    SUBCASE("not JSON") { content = "{\"format\":1,\"tokens\":{"; }
    SUBCASE("a list") { content = "[]"; }
    SUBCASE("another format") { content = R"({"format":2})"; }
    SUBCASE("without its tokens") { content = R"({"format":1,"shop":{"carts":[],"checkouts":{}}})"; }
    SUBCASE("a refresh token without a session") {
        content = R"({"format":1,"tokens":{"access":{},"refresh":{"JWS.x":{"family":1,"generation":0}},"families":[],)"
                  R"("visitors":0},"shop":{"carts":[],"checkouts":{}}})";
    }
    writeFile(file, content);
    CHECK_THROWS_WITH_AS(FakeWix(withStateIn(file)), doctest::Contains("is damaged; it was left as it is"),
                         std::runtime_error);
    CHECK_THROWS_WITH_AS(FakeWix(withStateIn(file)), doctest::Contains(file.c_str()), std::runtime_error);
    CHECK(readFile(file) == content);
}

TEST_CASE("a state file that cannot be made is named [D9]") {
    CHECK_THROWS_WITH_AS(FakeWix(withStateIn("/no/such/folder/fake.json")),
                         doctest::Contains("/no/such/folder/fake.json"), std::runtime_error);
}

TEST_CASE("the page of a checkout has the order and the ways back [D9]") {
    const FakeWix wix(withStateIn(""));
    Visitor visitor(wix);
    visitor.comeIn();
    visitor.add("Lamp <b>", 3);
    const std::string page = checkoutPage(
        visitor, wix,
        R"({"postFlowUrl":"http://127.0.0.1:8080/cart?a=1&b=2","thankYouPageUrl":"https://shop.example/thanks"})");
    const Answer shown = visitor.client.call("GET", page);  // as a browser: without a token
    CHECK(shown.status == 200);
    CHECK(shown.header("Content-Type") == "text/html; charset=utf-8");
    CHECK(has(shown.body, "Lamp &lt;b&gt;"));
    CHECK(has(shown.body, "7.50 USD"));
    CHECK(has(shown.body, "<a href=\"http://127.0.0.1:8080/cart?a=1&amp;b=2\">Back to the shop</a>"));
    CHECK(has(shown.body, "<a href=\"https://shop.example/thanks\">Place the order</a>"));

    const Answer without = visitor.client.call("GET", checkoutPage(visitor, wix, "{}"));
    CHECK(has(without.body, "no way back to the shop"));
    const Answer script =
        visitor.client.call("GET", checkoutPage(visitor, wix, "{\"postFlowUrl\":\"javascript:alert(1)\"}"));
    CHECK_FALSE(has(script.body, "javascript:"));
    const Answer unknown = visitor.client.call("GET", "/__ecom/checkout?checkoutId=x&postFlowUrl=http%3A%2F%2Fa");
    CHECK(unknown.status == 404);
    CHECK(has(unknown.body, "<a href=\"http://a\">Back to the shop</a>"));
}

TEST_CASE("the page of a reservation has the tickets and the way back [D9]") {
    const FakeWix wix(withStateIn(""));
    Visitor visitor(wix);
    visitor.comeIn();
    const json::value made =
        visitor
            .post("/events/v1/checkout/reservations",
                  R"({"eventId":"d0000000-0000-4000-8000-000000000001","ticketQuantities":[)"
                  R"({"ticketDefinitionId":"e0000000-0000-4000-8000-000000000011","quantity":2}]})")
            .json();
    const std::string path = "/event-details/pottery-workshop/ticket-form?reservationId=" + memberOf(made, "id") +
                             "&postFlowUrl=http%3A%2F%2Fa";
    const Answer shown = visitor.client.call("GET", path);
    CHECK(shown.status == 200);
    CHECK(has(shown.body, "Tickets: Pottery Workshop"));
    CHECK(has(shown.body, "50.00 USD"));
    CHECK(has(shown.body, "<a href=\"http://a\">Back to the shop</a>"));
    CHECK(visitor.client.call("GET", "/event-details/open-studio/ticket-form?reservationId=" + memberOf(made, "id"))
              .status == 404);
}

TEST_CASE("GET /_fake/config returns what is in effect [D8]") {
    FakeWix wix(withStateIn(""));
    Client client(wix.port(), "");
    const auto config = [&] { return client.call("GET", "/_fake/config").json(); };
    const json::value initial = json::parse(
        R"({"accessTokenLifetime":14400,"rotation":{"enabled":false,"graceSeconds":0,"reuseRevokes":false},)"
        R"("refreshTokenInReply":false,"advanceClock":0,"rateLimit":{"perMinute":0,"retryAfter":false},)"
        R"("delay":{},"hold":{},"queuedFaults":{}})");
    CHECK(config() == initial);
    const Answer set = client.call(
        "POST", "/_fake/config",
        R"({"accessTokenLifetime":30,"rotation":{"enabled":true,"graceSeconds":10,"reuseRevokes":true},)"
        R"("refreshTokenInReply":true,"advanceClock":60,"rateLimit":{"perMinute":5,"retryAfter":true},)"
        R"("delay":{"cart":7},"hold":{"token":"beforeReply"},)"
        R"("fail":[{"endpoint":"products","count":2,"status":503}],"cut":[{"endpoint":"products","at":"midBody"}]})");
    CHECK(set.status == 200);
    CHECK(config() ==
          json::parse(R"({"accessTokenLifetime":30,"rotation":{"enabled":true,"graceSeconds":10,"reuseRevokes":true},)"
                      R"("refreshTokenInReply":true,"advanceClock":60,"rateLimit":{"perMinute":5,"retryAfter":true},)"
                      R"("delay":{"cart":7},"hold":{"token":"beforeReply"},"queuedFaults":{"products":3}})"));
    const Answer refused = client.call("DELETE", "/_fake/config");
    CHECK(refused.status == 405);
    CHECK(refused.header("Allow") == "GET, POST");
}

TEST_CASE("the flag --state-file needs a path [D9]") {
    CHECK(detail::parseCommandLine({"--state-file", "a.json"}).options.stateFile == "a.json");
    CHECK(detail::parseCommandLine({"--state-file"}).error == "--state-file needs a path");
}
