// Requests that tests tell apart: how often each was processed.
#include <doctest/doctest.h>

#include <wix/testing/fake_wix.hpp>

#include "raw_client.hpp"

using namespace wix::testing;
using raw::Client;

namespace {

const std::string products = "/stores-reader/v1/products/query";

std::string marked(const std::string& marker, const std::string& token) {
    return "X-Request-Marker: " + marker + "\r\nAuthorization: " + token + "\r\n";
}

}  // namespace

TEST_CASE("markers are repeated, and counted where the request was processed") {
    FakeWix fake;
    Client client(fake.port(), fake.caPem());
    const auto tokens = client
                            .call("POST", "/oauth2/token",
                                  R"({"clientId":"11111111-2222-3333-4444-555555555555","grantType":"anonymous"})")
                            .json();
    const std::string token(tokens.at("access_token").as_string());
    for (int i = 0; i < 2; ++i)
        CHECK(client.call("POST", products, "{}", marked("twice", token)).header("X-Request-Marker") == "twice");
    CHECK(client.call("POST", products, "{", marked("malformed", token)).status == 400);
    const raw::Answer refused = client.call("POST", products, "{}", marked("refused", "none"));
    CHECK(refused.status == 401);
    CHECK(refused.header("X-Request-Marker") == "refused");
    CHECK(client.call("POST", products, "{}", "Authorization: " + token + "\r\n").header("X-Request-Marker").empty());
    fake.failNext("products", 1, ScriptedReply(503));
    CHECK(client.call("POST", products, "{}", marked("scripted", token)).status == 503);
    fake.cutNext("products", 1, CutPoint::afterRequest);
    CHECK(client.call("POST", products, "{}", marked("unanswered", token)).status == 0);
    const std::map<std::string, std::uint64_t> expected = {{"malformed", 1}, {"twice", 2}, {"unanswered", 1}};
    CHECK(fake.markers() == expected);
}
