// Wix's error bodies as ApiError.
#include "integration/failures.hpp"

using namespace wix;
using namespace wix::test;

namespace {

testing::ScriptedReply error(int status, const std::string& body) {
    return testing::ScriptedReply(status, body, {{"x-wix-request-id", "req-17"}});
}

}  // namespace

TEST_CASE("an application error: status, code, description, request id") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    struct Case {
        int status;
        const char* body;
        const char* code;
        const char* description;
    };
    for (
        const Case& c :
        {Case{
             404,
             R"({"message":"m","details":{"applicationError":{"code":"OWNED_CART_NOT_FOUND","description":"no cart","data":{}}}})",
             "OWNED_CART_NOT_FOUND", "no cart"},
         Case{409, R"({"message":"m","details":{"applicationError":{"code":-19976,"description":"d"}}})", "-19976",
              "d"},
         Case{403, R"({"message":"missing","errorCode":"WDE-1002"})", "WDE-1002", "missing"},
         Case{400, R"({"error":"e","error_description":"d"})", "e", "d"}, Case{302, "", "", ""},
         Case{418, R"({"message":"","details":{}})", "", ""}}) {
        CAPTURE(c.body);
        fake.failNext("cart", 1, error(c.status, c.body));
        const auto thrown = apiErrorOf(visitor.io, visitor.client.get(cartPath));
        REQUIRE(thrown);
        CHECK(thrown->status() == c.status);
        CHECK(thrown->code() == c.code);
        CHECK(thrown->description() == c.description);
        CHECK(thrown->requestId() == "req-17");
        CHECK(thrown->Error::code() == Errc::api_error);
        const std::string text = thrown->what();
        CHECK(text.starts_with("GET " + cartPath + ": HTTP " + std::to_string(c.status)));
        CHECK(has(text, c.code));
        CHECK(has(text, "(request id req-17)"));
    }
    visitor.checkUntouched();
}

TEST_CASE("field violations") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const auto thrown =
        apiErrorOf(visitor.io, visitor.client.post(addPath, oneOf("00000000-0000-0000-0000-000000000000", -1)));
    REQUIRE(thrown);
    CHECK(thrown->status() == 400);
    REQUIRE(thrown->fieldViolations().size() == 1);
    CHECK(thrown->fieldViolations()[0].field == "lineItems[0].quantity");
    CHECK(thrown->fieldViolations()[0].violatedRule == "MIN");
    CHECK_FALSE(thrown->fieldViolations()[0].description.empty());
    CHECK_FALSE(thrown->requestId().empty());
    visitor.checkUntouched();
}

TEST_CASE("a gateway's page is a status without a text") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    for (int status : {403, 404, 413, 501}) {
        CAPTURE(status);
        fake.failNext("cart", 1, error(status, "<html><h1>SECRET PAGE</h1></html>"));
        const auto thrown = apiErrorOf(visitor.io, visitor.client.get(cartPath));
        REQUIRE(thrown);
        CHECK(thrown->status() == status);
        CHECK(thrown->code() == "");
        CHECK(thrown->description() == "");
        CHECK(thrown->requestId() == "req-17");
        CHECK_FALSE(has(thrown->what(), "PAGE"));
    }
    visitor.checkUntouched();
}

TEST_CASE("as a value, a failure keeps the API's error") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const result<boost::json::value> found = runOn(visitor.io, asResult(visitor.client.get(cartPath)));
    REQUIRE(found.has_error());
    CHECK(found.error().code == Errc::api_error);
    REQUIRE(found.error().apiError);
    CHECK(found.error().apiError->status() == 404);
    CHECK(found.error().apiError->code() == "OWNED_CART_NOT_FOUND");
    CHECK_THROWS_AS(found.value(), ApiError);
}

TEST_CASE("fetch gives the answer whatever its status") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    for (int status : {302, 400, 404, 501}) {
        CAPTURE(status);
        fake.failNext("cart", 1, error(status, "<html>page</html>"));
        const Response response = runOn(visitor.io, visitor.client.fetch(Request("GET", cartPath)));
        CHECK(response.status() == status);
        CHECK_FALSE(response.ok());
        CHECK(response.body() == "<html>page</html>");
        CHECK(response.requestId() == "req-17");
        CHECK(response.header("CONTENT-type") == "text/html");
        CHECK_THROWS_AS(response.json(), Error);
    }
    visitor.checkUntouched();
}

TEST_CASE("a redirect is not followed: the token stays with its origin") {
    testing::FakeWix fake;
    const testing::FakeWix other;
    Visitor visitor(fake);
    for (int status : {301, 302, 303, 307, 308}) {
        for (const std::string& location :
             {other.url() + "/x", fake.url() + "/x", std::string("//evil.example"), std::string("\\x")}) {
            CAPTURE(status);
            CAPTURE(location);
            fake.failNext("cart", 1, testing::ScriptedReply(status, "", {{"Location", location}}));
            const auto thrown = apiErrorOf(visitor.io, visitor.client.get(cartPath));
            REQUIRE(thrown);
            CHECK(thrown->status() == status);
        }
    }
    CHECK(other.state().totalConnections == 0);
    CHECK(fake.state().requests.at("unknown") == 0);
    visitor.checkUntouched();
}
