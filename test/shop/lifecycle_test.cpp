// The shop starts, is watched, stops, and starts again.
#include <doctest/doctest.h>

#include <sys/stat.h>

#include <future>
#include <regex>
#include <sstream>

#include "shop_program.hpp"
#include "support/eventually.hpp"

using namespace wix::test;
using namespace std::chrono_literals;
using Cart = std::map<std::string, int>;

TEST_CASE("The cart survives a restart of the shop") {
    ShopProgram shop;
    Visitor visitor(shop);
    CHECK(cartOn(visitor.buy(mug, 3).body) == Cart{{mug, 3}});
    const std::string csrf = visitor.csrf;
    shop.stop();
    CHECK(shop.program().exitCode() == 0);
    shop.start();
    Visitor again(shop);
    again.cookie = visitor.cookie;
    again.csrf = csrf;  // a form that was open meanwhile
    CHECK(again.post("/cart/add", {{"product", mug}, {"quantity", "1"}}).status == 303);
    CHECK(cartOn(again.get("/cart").body) == Cart{{mug, 4}});
    CHECK(shop.fake.state().visitors == 2);  // and the house

    struct stat about {};
    REQUIRE(::stat((shop.store() / "cookie.key").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    REQUIRE(::stat((shop.store() / "sessions").c_str(), &about) == 0);
    CHECK((about.st_mode & 077) == 0);
}

TEST_CASE("A key that others may read is refused") {
    ShopProgram shop;
    shop.stop();
    std::filesystem::permissions(shop.store() / "cookie.key", std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    CHECK_THROWS_WITH(shop.start(), doctest::Contains("must be readable by its owner only"));
}

TEST_CASE("SIGTERM: a request in flight is finished, new ones are not taken, and the exit code is 0") {
    ShopProgram shop;
    Visitor visitor(shop);
    visitor.buy(mug, 1);
    raw::Client watcher(shop.port(), "");
    raw::Client idle(shop.port(), "");
    CHECK(watcher.call("GET", "/healthz").body == "ok\n");

    shop.fake.hold("cart", wix::testing::HoldPoint::beforeReply);
    std::future<raw::Answer> buying = std::async(std::launch::async, [&] {
        return visitor.post("/cart/add", {{"product", mug}, {"quantity", "1"}});
    });
    REQUIRE(shop.fake.waitUntilHeld("cart", 1, 10s));
    shop.program().signal(SIGTERM);
    shop.program().waitForOutput("stopping");
    const raw::Answer health = watcher.call("GET", "/healthz");
    CHECK(health.status == 503);
    CHECK(health.header("Connection") == "close");
    CHECK(eventually([&] {
        try {
            raw::Client refused(shop.port(), "");
            return refused.call("GET", "/healthz").status == 0;
        } catch (const std::runtime_error&) {
            return true;
        }
    }));
    CHECK(idle.receive().status == 0);  // the end of the stream, after a moment
    // It waits for that request, and for nothing else.
    CHECK_FALSE(eventually([&] { return !shop.program().running(); }, 1500ms));

    shop.fake.release("cart");
    const raw::Answer bought = buying.get();
    CHECK(bought.status == 303);
    CHECK(bought.complete);
    CHECK(bought.header("Connection") == "close");
    CHECK(eventually([&] { return !shop.program().running(); }));
    shop.stop();
    CHECK(shop.program().exitCode() == 0);
    CHECK(countOf(shop.log(), "stopped") == 1);
}

TEST_CASE("SIGTERM: an answer that never comes holds the shop for ten seconds at most") {
    ShopProgram shop;
    Visitor visitor(shop);
    visitor.buy(mug, 1);
    shop.fake.hold("cart", wix::testing::HoldPoint::beforeReply);
    std::future<raw::Answer> buying = std::async(std::launch::async, [&] { return visitor.get("/cart"); });
    REQUIRE(shop.fake.waitUntilHeld("cart", 1, 10s));
    const auto begin = std::chrono::steady_clock::now();
    shop.stop(SIGINT);
    CHECK(std::chrono::steady_clock::now() - begin < 18s);
    CHECK(shop.program().exitCode() == 0);
    buying.get();
}

TEST_CASE("/metrics counts in the format of Prometheus") {
    ShopProgram shop;
    Visitor visitor(shop);
    visitor.buy(mug, 1);
    shop.fake.expireAccessTokens();
    visitor.get("/cart");
    visitor.get("/nothing");
    const std::string metrics = raw::Client(shop.port(), "").call("GET", "/metrics").body;

    static const std::regex sample(R"re([a-z_]+(\{[a-z]+="[^"\\]*"\})? [0-9.e+-]+)re");
    static const std::regex comment(R"re(# (HELP [a-z_]+ [^\n]+|TYPE [a-z_]+ (counter|gauge|histogram)))re");
    std::istringstream lines(metrics);
    for (std::string line; std::getline(lines, line);)
        CHECK_MESSAGE((std::regex_match(line, sample) || std::regex_match(line, comment)), line);

    const auto valueOf = [&](const std::string& name) {
        const std::string text = between("\n" + metrics, "\n" + name + " ", "\n");
        return text.empty() ? -1.0 : std::stod(text);
    };
    CHECK(valueOf("shop_requests_total{status=\"200\"}") == 3);
    CHECK(valueOf("shop_requests_total{status=\"303\"}") == 1);
    CHECK(valueOf("shop_requests_total{status=\"404\"}") == 1);
    CHECK(valueOf("wix_renewals_started_total{reason=\"unauthorized\"}") == 1);
    CHECK(valueOf("wix_renewals_finished_total{reason=\"noSession\"}") == 2);
    CHECK(valueOf("wix_sessions_lost_total") == 0);
    CHECK(valueOf("wix_sessions") == 1);
    CHECK(valueOf("wix_sessions_opened_total") >= 3);
    CHECK(valueOf("wix_api_requests_total{class=\"2xx\"}") == valueOf("wix_api_request_seconds_count"));
    CHECK(valueOf("wix_api_request_seconds_bucket{le=\"+Inf\"}") == valueOf("wix_api_request_seconds_count"));
    CHECK(metrics.find(visitor.cookie.substr(visitor.cookie.find('=') + 1)) == std::string::npos);
}

TEST_CASE("the demo shop keeps all carts over its restart, and its checkout is a page that a browser can open [D9]") {
    ShopProgram shop({}, ShopProgram::Fake::within);
    Visitor anna(shop), ben(shop);
    CHECK(cartOn(anna.buy(mug, 3).body) == Cart{{mug, 3}});
    CHECK(cartOn(ben.buy(notebook, 2).body) == Cart{{notebook, 2}});
    const std::string url = anna.post("/checkout", {}).header("Location");
    const std::string address = between(url, "http://localhost:", "/");
    REQUIRE_FALSE(address.empty());
    raw::Client browser(static_cast<std::uint16_t>(std::stoi(address)), "");
    const raw::Answer checkout = browser.call("GET", url.substr(url.find("/__ecom")));
    CHECK(checkout.status == 200);
    CHECK(checkout.body.find("Stoneware Mug") != std::string::npos);
    CHECK(checkout.body.find("http://127.0.0.1:" + std::to_string(shop.port()) + "/cart") != std::string::npos);

    struct stat about {};
    REQUIRE(::stat((shop.store() / "fake-wix.json").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    bool orderly = true;
    SUBCASE("stopped") {}
    SUBCASE("killed") { orderly = false; }
    shop.stop(orderly ? SIGTERM : SIGKILL);
    shop.start();
    Visitor again(shop), alsoAgain(shop);
    again.cookie = anna.cookie;
    alsoAgain.cookie = ben.cookie;
    CHECK(cartOn(again.get("/cart").body) == Cart{{mug, 3}});
    CHECK(cartOn(alsoAgain.get("/cart").body) == Cart{{notebook, 2}});

    shop.stop();
    writeFile(shop.store() / "fake-wix.json", "{");
    CHECK_THROWS_WITH(shop.start(), doctest::Contains("is damaged; it was left as it is"));
    CHECK(readFile(shop.store() / "fake-wix.json") == "{");
}

TEST_CASE("--redis on a shop without wix::redis names what to install [A2]") {
    std::string said;
    try {
        ShopProgram shop({"--redis", "redis://127.0.0.1:1"});
    } catch (const std::exception& error) {
        said = error.what();
    }
    // With wix::redis it is the server that is missing.
    const bool names = said.find("install libhiredis-dev") != std::string::npos;
    const bool connects = said.find("Redis at 127.0.0.1:1") != std::string::npos;
    CHECK_MESSAGE((names || connects), said);
}
