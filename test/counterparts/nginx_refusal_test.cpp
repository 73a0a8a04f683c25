// nginx refuses, closes without an answer, and loses the service behind it.
#include "counterparts/nginx.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// A visitor of a fake behind nginx, with tokens and an open connection that has served one request.
class Guest {
public:
    explicit Guest(const std::string& serverLines, const std::string& httpLines = std::string())
        : fake(behindAFront()),
          nginx(fake, serverLines, httpLines),
          client(io.get_executor(), OAuthStrategy(clientId), nginx.options()) {
        runOn(io, client.generateVisitorTokens());
    }

    testing::FakeWix fake;
    Nginx nginx;
    asio::io_context io;
    const Client client;
};

/// In a location: the first request of each connection passes, what follows on it is closed without an answer.
const std::string closeSecond = "{ if ($connection_requests = 2) { return 444; } proxy_pass http://fake; }\n";

}  // namespace

TEST_CASE("nginx closes a used connection instead of answering a GET; one resend helps [61]") {
    if (missing("nginx", "nginx")) return;
    Guest guest("location = " + cartPath + closeSecond);
    CHECK(failureOf(guest.io, guest.client.get(cartPath)).code == Errc::api_error);  // there is no cart: it got through
    CHECK(guest.fake.state().requests.at("cart") == 1);
    const std::string log = guest.nginx.stopAndReadLog();
    CHECK(countOf(log, "GET " + cartPath + " 444") == 1);
    CHECK(countOf(log, "GET " + cartPath) == 2);
}

TEST_CASE("nginx closes a used connection instead of answering a POST; it is not sent again [62]") {
    if (missing("nginx", "nginx")) return;
    Guest guest("location = " + addPath + closeSecond);
    const Failure failure = failureOf(guest.io, guest.client.post(addPath, object()));
    CHECK(failure.code == Errc::maybe_sent);
    CHECK(failure.maybeSent);
    CHECK(has(failure.context, "POST " + guest.nginx.options().apiUrl + addPath));
    CHECK(guest.fake.state().requests.at("cart") == 0);
    CHECK(countOf(guest.nginx.stopAndReadLog(), "POST " + addPath) == 1);
}

TEST_CASE("nginx never answers a GET: all attempts, then a typed error") {
    if (missing("nginx", "nginx")) return;
    Guest guest("location = " + cartPath + " { return 444; }");
    const Failure failure = failureOf(guest.io, guest.client.get(cartPath));
    CHECK(failure.code == Errc::connection_lost);
    CHECK(guest.fake.state().requests.at("token") == 1);
    // Three attempts, and the connection that was open before them.
    CHECK(countOf(guest.nginx.stopAndReadLog(), "GET " + cartPath + " 444") == 4);
}

TEST_CASE("nginx never answers a POST: it arrives once on a fresh connection too") {
    if (missing("nginx", "nginx")) return;
    Guest guest("keepalive_timeout 0; location = " + addPath + " { return 444; }");
    const Failure failure = failureOf(guest.io, guest.client.post(addPath, object()));
    CHECK(failure.code == Errc::maybe_sent);
    CHECK(failure.maybeSent);
    CHECK(countOf(guest.nginx.stopAndReadLog(), "POST " + addPath) == 1);
}

TEST_CASE("limit_req: a 429 that asks for too long a wait is an ApiError at once") {
    if (missing("nginx", "nginx")) return;
    Guest guest("location = " + cartPath + R"( { limit_req zone=slow; proxy_pass http://fake; }
                error_page 429 = @wait;
                location @wait { add_header Retry-After 60 always; return 429 '{"message": "slowly"}'; })",
                "limit_req_zone $server_port zone=slow:1m rate=1r/m; limit_req_status 429;");
    CHECK(apiErrorOf(guest.io, guest.client.get(cartPath))->status() == 404);  // passed on: there is no cart
    const std::optional<ApiError> error = apiErrorOf(guest.io, guest.client.get(cartPath));
    REQUIRE(error);
    CHECK(error->status() == 429);
    CHECK(error->description() == "slowly");
    CHECK(guest.fake.state().requests.at("cart") == 1);
    CHECK(countOf(guest.nginx.stopAndReadLog(), "GET " + cartPath) == 2);
}

TEST_CASE("limit_req: a 429 with a short Retry-After is waited for, by a POST too") {
    if (missing("nginx", "nginx")) return;
    Guest guest("location = " + addPath + R"( { limit_req zone=slow; proxy_pass http://fake; }
                error_page 429 = @wait;
                location @wait { add_header Retry-After 1 always; return 429; })",
                "limit_req_zone $server_port zone=slow:1m rate=1r/s; limit_req_status 429;");
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 2; ++i) CHECK(apiErrorOf(guest.io, guest.client.post(addPath, object()))->status() == 400);
    CHECK(std::chrono::steady_clock::now() - begin >= 1s);
    CHECK(guest.fake.state().requests.at("cart") == 2);
    const std::string log = guest.nginx.stopAndReadLog();
    CHECK(countOf(log, "POST " + addPath + " 400") == 2);
    CHECK(countOf(log, "POST " + addPath + " 429") == 1);
}

TEST_CASE("the service breaks off behind nginx after a POST; its 502 is returned, not repeated [15]") {
    if (missing("nginx", "nginx")) return;
    Guest guest("");
    guest.fake.cutNext("cart", 1, testing::CutPoint::afterRequest);
    const std::optional<ApiError> error = apiErrorOf(guest.io, guest.client.post(addPath, object()));
    REQUIRE(error);
    CHECK(error->status() == 502);
    CHECK(guest.fake.state().requests.at("cart") == 1);
    // A GET is repeated.
    guest.fake.cutNext("cart", 1, testing::CutPoint::afterRequest);
    CHECK(apiErrorOf(guest.io, guest.client.get(cartPath))->status() == 404);
    const std::string log = guest.nginx.stopAndReadLog();
    CHECK(countOf(log, "POST " + addPath) == 1);
    CHECK(countOf(log, "GET " + cartPath + " 502") == 1);
}

TEST_CASE("the service breaks off in the middle of its answer; nginx passes half of it on [74]") {
    if (missing("nginx", "nginx")) return;
    Guest guest("");
    guest.fake.cutNext("cart", 1, testing::CutPoint::midBody);
    const Failure failure = failureOf(guest.io, guest.client.post(addPath, object()));
    CHECK(failure.code == Errc::response_truncated);
    CHECK(failure.maybeSent);
    CHECK(guest.fake.state().requests.at("cart") == 1);
    guest.fake.cutNext("products", 1, testing::CutPoint::midBody);
    const boost::json::value found = runOn(guest.io, guest.client.post(queryPath));
    CHECK(found.at("products").as_array().size() > 1);
    CHECK(guest.fake.state().requests.at("products") == 2);
}
