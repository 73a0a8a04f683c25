// What goes out with a request, and where it goes.
#include "integration/failures.hpp"

#include <boost/algorithm/string/predicate.hpp>
#include <boost/json/parse.hpp>

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

std::size_t countOf(const testing::ReceivedRequest& request, std::string_view name) {
    std::size_t count = 0;
    for (const auto& [field, value] : request.headers) count += boost::algorithm::iequals(field, name);
    return count;
}

testing::ReceivedRequest last(const testing::FakeWix& fake, const char* endpoint = "cart") {
    const auto all = fake.requests(endpoint);
    REQUIRE_FALSE(all.empty());
    return all.back();
}

}  // namespace

TEST_CASE("what every call has") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    visitor.failingGet();
    const testing::ReceivedRequest get = last(fake);
    const std::string token = runOn(visitor.io, visitor.client.getTokens()).accessToken.value;
    CHECK(get.header("Authorization") == token);  // as it is, without "Bearer"
    CHECK(get.header("Host") == "localhost:" + std::to_string(fake.port()));
    CHECK(get.header("User-Agent").starts_with("wix-cpp/"));
    CHECK(get.header("Accept") == "application/json");
    CHECK(get.header("Accept-Encoding") == "gzip, deflate");
    CHECK(countOf(get, "Content-Type") == 0);
    CHECK(countOf(get, "Content-Length") == 0);
    CHECK(countOf(get, "Transfer-Encoding") == 0);
    CHECK(countOf(get, "X-Wix-Consistent") == 0);
    for (const auto& [name, value] : get.headers) {
        CAPTURE(name);
        CHECK(countOf(get, name) == 1);
    }
}

TEST_CASE("Content-Type comes with a body only") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const std::string path = "/unknown/path";
    const auto sent = [&](asio::awaitable<boost::json::value> call) {
        CHECK(visitor.failing(std::move(call)).code == Errc::api_error);
        return last(fake, "unknown");
    };
    struct Expected {
        const char* method;
        const char* contentType;
        const char* body;
    };
    const auto check = [](const testing::ReceivedRequest& got, const Expected& expected) {
        CHECK(got.method == expected.method);
        CHECK(got.header("Content-Type") == expected.contentType);
        CHECK(got.body == expected.body);
    };
    const boost::json::value body = object("a", 1);
    check(sent(visitor.client.get(path)), {"GET", "", ""});
    check(sent(visitor.client.del(path)), {"DELETE", "", ""});
    check(sent(visitor.client.post(path)), {"POST", "", ""});
    check(sent(visitor.client.post(path, body)), {"POST", "application/json", R"({"a":1})"});
    check(sent(visitor.client.put(path, body)), {"PUT", "application/json", R"({"a":1})"});
    check(sent(visitor.client.patch(path, body)), {"PATCH", "application/json", R"({"a":1})"});
    check(sent(visitor.client.post(path, nullptr)), {"POST", "application/json", "null"});
    runOn(visitor.io, visitor.client.fetch(Request("POST", path).body("a=b", "application/x-www-form-urlencoded")));
    check(last(fake, "unknown"), {"POST", "application/x-www-form-urlencoded", "a=b"});
    runOn(visitor.io, visitor.client.fetch(Request("PATCH", path).json(body)));
    check(last(fake, "unknown"), {"PATCH", "application/json", R"({"a":1})"});
    CHECK(countOf(last(fake, "unknown"), "Accept") == 0);
}

TEST_CASE("a call's headers win over the client's, whatever their case, and none is sent twice") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.headers = {{"Accept-Language", "de"}, {"X-Site", "one"}, {"user-agent", "mine/1"}};
    Visitor visitor(fake, options);
    CHECK(last(fake, "token").header("X-Site") == "");  // not to token requests
    CHECK(last(fake, "token").header("User-Agent").starts_with("wix-cpp/"));
    visitor.failingGet();
    CHECK(last(fake).header("Accept-Language") == "de");
    CHECK(last(fake).header("X-Site") == "one");
    CHECK(last(fake).header("User-Agent") == "mine/1");
    CallOptions call;
    call.headers = {{"accept-language", "fr"}, {"ACCEPT", "application/vnd.x+json"}, {"X-Call", "c"}};
    visitor.failing(visitor.client.get(cartPath, call));
    CHECK(last(fake).header("Accept-Language") == "fr");
    CHECK(last(fake).header("Accept") == "application/vnd.x+json");
    CHECK(last(fake).header("X-Site") == "one");
    CHECK(last(fake).header("X-Call") == "c");
    CHECK(countOf(last(fake), "Accept-Language") == 1);
    visitor.failingGet();
    CHECK(last(fake).header("Accept-Language") == "de");
    CHECK(last(fake).header("X-Call") == "");
    runOn(visitor.io, visitor.client.fetch(Request("GET", cartPath).header("accept-LANGUAGE", "it")));
    CHECK(last(fake).header("Accept-Language") == "it");
    visitor.checkUntouched();
}

TEST_CASE("token requests: JSON, no authorization, headers of their own") {
    const testing::FakeWix fake;
    asio::io_context io;
    OAuthStrategy strategy(clientId);
    strategy.tokenRequestHeaders.emplace_back("client-binding", "b-1");
    const Client client(io.get_executor(), strategy, optionsFor(fake));
    CHECK(failureOf(io, client.get(cartPath)).code == Errc::api_error);
    const testing::ReceivedRequest token = last(fake, "token");
    CHECK(token.method == "POST");
    CHECK(token.target == "/oauth2/token");
    CHECK(token.header("client-binding") == "b-1");
    CHECK(token.header("Content-Type") == "application/json");
    CHECK(countOf(token, "Authorization") == 0);
    CHECK(token.body == R"({"clientId":")" + clientId + R"(","grantType":"anonymous"})");
    CHECK(last(fake).header("client-binding") == "");
}

TEST_CASE("X-Wix-Consistent is learned from any answer, sent with every later call, and ends with the session") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const auto learn = [&](const std::string& value, int status) {
        fake.failNext("cart", 1, testing::ScriptedReply(status, "{}", {{"x-wix-consistent", value}}));
        try {
            runOn(visitor.io, visitor.client.get(cartPath));
        } catch (const ApiError&) {
        }
    };
    learn("one", 200);
    visitor.failingGet();
    CHECK(last(fake).header("X-Wix-Consistent") == "one");
    learn("two", 404);
    visitor.failingGet();
    CHECK(last(fake).header("X-Wix-Consistent") == "two");
    visitor.failingGet();
    CHECK(last(fake).header("X-Wix-Consistent") == "two");
    learn("", 200);                          // nothing to learn
    learn(std::string(9000, 'x'), 200);      // too long to be one
    learn(std::string("bad\xC3\xA4"), 200);  // not printable
    visitor.failingGet();
    CHECK(last(fake).header("X-Wix-Consistent") == "two");
    runOn(visitor.io, visitor.client.renewToken());
    visitor.failingGet();
    CHECK(last(fake).header("X-Wix-Consistent") == "two");
    CHECK(last(fake, "token").header("X-Wix-Consistent") == "");

    runOn(visitor.io, visitor.client.setTokens(Tokens()));
    visitor.failingGet();
    CHECK(last(fake).header("X-Wix-Consistent") == "");
    CHECK(fake.state().visitors == 2);
}

TEST_CASE("reading one's own writes at the fake") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const boost::json::value products = runOn(visitor.io, visitor.client.post(queryPath, object()));
    const std::string id(products.at("products").at(0).at("id").as_string());
    runOn(visitor.io, visitor.client.post(addPath, oneOf(id)));
    runOn(visitor.io, visitor.client.get(cartPath));
    CHECK(fake.state().consistencyIssued > 0);
    CHECK(fake.state().consistencyReplayed > 0);
    CHECK(fake.state().consistencyForeign == 0);
}

TEST_CASE("useCDN sends the JSON calls to the edge, and nothing else") {
    const testing::FakeWix api, edge;
    ClientOptions options = optionsFor(api);
    options.edgeUrl = edge.url();
    options.transport.tls.caPem = api.caPem() + edge.caPem();
    const auto seen = [](const testing::FakeWix& fake) { return fake.requests("*").size(); };
    for (const bool useCDN : {false, true}) {
        CAPTURE(useCDN);
        options.useCDN = useCDN;
        asio::io_context io;
        const Client client(io.get_executor(), OAuthStrategy(clientId), options);
        runOn(io, client.generateVisitorTokens());
        const testing::FakeWix& called = useCDN ? edge : api;
        const testing::FakeWix& other = useCDN ? api : edge;
        const auto expectAt = [&](const testing::FakeWix& one, const testing::FakeWix& two, auto call) {
            const auto here = seen(one), there = seen(two);
            CHECK(failureOf(io, std::move(call)).code != Errc::invalid_target);
            CHECK(seen(one) == here + 1);
            CHECK(seen(two) == there);
        };
        const boost::json::value body = object();
        expectAt(called, other, client.get("/x"));
        expectAt(called, other, client.post("/x"));
        expectAt(called, other, client.post("/x", body));
        expectAt(called, other, client.put("/x", body));
        expectAt(called, other, client.patch("/x", body));
        expectAt(called, other, client.del("/x"));
        expectAt(api, edge, client.fetch(Request("GET", "/x")));
        expectAt(api, edge, client.graphql("{ products { items { id } } }"));
        expectAt(api, edge, client.renewToken());
        expectAt(edge, api, client.get(edge.url() + "/x"));  // an absolute URL says it itself
        expectAt(api, edge, client.get(api.url() + "/x"));
    }
}

TEST_CASE("GraphQL") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const boost::json::value answer =
        runOn(visitor.io, visitor.client.graphql("query { products { items { id name } } }"));
    CHECK(answer.at("data").at("products").at("items").as_array().size() > 1);
    CHECK(last(fake, "graphql").method == "POST");
    CHECK(last(fake, "graphql").target == "/graphql/alpha");
    CHECK(last(fake, "graphql").header("Content-Type") == "application/json");
    CHECK(last(fake, "graphql").body == R"({"query":"query { products { items { id name } } }","variables":{}})");

    runOn(visitor.io, visitor.client.graphql("{ products { items { id } } }", object("a", 1)));
    CHECK(boost::json::parse(last(fake, "graphql").body).at("variables") == object("a", 1));

    const boost::json::value failed = runOn(visitor.io, visitor.client.graphql("{ nothing }"));
    CHECK(failed.at("errors").as_array().size() == 1);  // a value, not an exception
    fake.failNext("graphql", 1, testing::ScriptedReply(200, R"({"errors":[{"message":"m"}]})"));
    CHECK(runOn(visitor.io, visitor.client.graphql("{ x }")).at("data") == object());
    fake.failNext("graphql", 1, testing::ScriptedReply(500, R"({"message":"m"})"));
    CHECK(apiErrorOf(visitor.io, visitor.client.graphql("{ x }"))->status() == 500);
    visitor.checkUntouched();
}
