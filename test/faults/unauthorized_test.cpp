// Rows 30-35: an API call is answered with 401.
#include "integration/failures.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <thread>
#include <vector>

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

std::uint64_t renewals(const testing::FakeWix& fake) { return fake.state().tokens["refresh_token"]; }

const testing::ScriptedReply unauthorized(401, R"({"message":"expired"})");

void runUntilHeld(asio::io_context& io, const testing::FakeWix& fake, const char* endpoint, std::size_t count) {
    runUntil(io, [&] { return fake.waitUntilHeld(endpoint, count, std::chrono::milliseconds(0)); });
}

/// An API server of two connections: the first request gets its 401 when its head has come, the next one 200. It keeps
/// the body of each.
class EarlyServer {
public:
    EarlyServer()
        : acceptor_(io_, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0)), thread_([this] { serve(); }) {}
    ~EarlyServer() {
        if (thread_.joinable()) thread_.join();
    }
    EarlyServer(const EarlyServer&) = delete;
    EarlyServer& operator=(const EarlyServer&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
    void join() { thread_.join(); }
    std::vector<std::string> bodies;  ///< After join().

private:
    void serve() {
        for (const std::string& early : {answer("{}", "Connection: close\r\n", 401), std::string()}) {
            boost::system::error_code ignored;
            asio::ip::tcp::socket socket(io_);
            acceptor_.accept(socket);
            std::string text;
            const std::size_t head = asio::read_until(socket, asio::dynamic_buffer(text), "\r\n\r\n", ignored);
            if (!early.empty()) asio::write(socket, asio::buffer(early), ignored);
            const auto at = text.find("Content-Length: ") + 16;
            const std::size_t all = head + std::stoul(text.substr(at, text.find("\r\n", at) - at));
            while (text.size() < all && !ignored) {
                std::vector<char> more(1 << 16);
                const std::size_t got = socket.read_some(asio::buffer(more), ignored);
                text.append(more.data(), got);
            }
            bodies.push_back(text.substr(head));
            if (early.empty()) asio::write(socket, asio::buffer(answer("{}")), ignored);
        }
    }

    asio::io_context io_;
    asio::ip::tcp::acceptor acceptor_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("a 401 with the current token: one renewal and one replay, the same request with another token [30]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.expireAccessTokens();
    std::string body = R"({"n":1,"text":")";
    body.append(20'000, 'x').append("\"}");
    CallOptions options;
    options.headers.emplace_back("X-Mine", "yes");
    Request request("POST", addPath + "?a=b");
    request.body(body, "application/json; charset=utf-8").options(options);
    CHECK(runOn(visitor.io, visitor.client.fetch(request)).status() == 400);
    const auto seen = fake.requests("cart");
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].body == body);
    CHECK(seen[1].body == body);
    CHECK(seen[0].target == seen[1].target);
    CHECK(seen[0].method == seen[1].method);
    REQUIRE(seen[0].headers.size() == seen[1].headers.size());
    for (std::size_t i = 0; i < seen[0].headers.size(); ++i) {
        CAPTURE(seen[0].headers[i].first);
        CHECK(seen[0].headers[i].first == seen[1].headers[i].first);
        CHECK((seen[0].headers[i].second == seen[1].headers[i].second) ==
              (seen[0].headers[i].first != "Authorization"));
    }
    CHECK(renewals(fake) == 1);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a 401 with a token that was replaced meanwhile: a replay with the newer one, and no renewal [31]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.hold("cart");
    int status = 0;
    asio::co_spawn(visitor.io, visitor.client.fetch(Request("GET", cartPath)),
                   [&](std::exception_ptr error, Response response) { status = error ? -1 : response.status(); });
    runUntilHeld(visitor.io, fake, "cart", 1);
    fake.expireAccessTokens();
    bool renewed = false;
    asio::co_spawn(visitor.io, visitor.client.renewToken(),
                   [&](std::exception_ptr error, Tokens) { renewed = !error; });
    while (!renewed && visitor.io.run_one()) {
    }
    fake.release("cart");
    visitor.io.run();
    CHECK(status == 404);
    CHECK(renewals(fake) == 1);
    CHECK(fake.state().requests.at("cart") == 2);
}

TEST_CASE("500 parallel 401s cost one renewal, and all 500 calls succeed [32]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    runOn(visitor.io, visitor.client.post(queryPath, object()));
    fake.hold("products");
    constexpr std::size_t count = 500;
    std::size_t served = 0;
    for (std::size_t i = 0; i < count; ++i)
        asio::co_spawn(visitor.io, visitor.client.post(queryPath, object()),
                       [&](std::exception_ptr error, const boost::json::value&) { served += error ? 0 : 1; });
    // As many as there are connections; the others stand in line with the same token.
    runUntilHeld(visitor.io, fake, "products", ClientOptions().transport.maxConnectionsPerOrigin);
    fake.expireAccessTokens();
    fake.release("products");
    runUntil(visitor.io, [&] { return served == count; });
    CHECK(renewals(fake) == 1);
    CHECK(fake.state().requests.at("token") == 2);
    CHECK(fake.state().requests.at("products") == 1 + 2 * count);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a replay that is refused too is the caller's: no second renewal [33]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.failNext("cart", 2, unauthorized);
    CHECK(apiErrorOf(visitor.io, visitor.client.get(cartPath))->status() == 401);
    CHECK(fake.state().requests.at("cart") == 2);
    CHECK(renewals(fake) == 1);
    CHECK(apiErrorOf(visitor.io, visitor.client.get(cartPath))->status() == 404);
    CHECK(renewals(fake) == 1);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a 401 while a body is on its way ends its sending, and it is replayed with all of it [34]") {
    testing::FakeWix fake;
    EarlyServer server;
    ClientOptions options = optionsFor(fake);
    options.edgeUrl = server.url();
    options.useCDN = true;
    Visitor visitor(fake, options);
    const std::string text(4 << 20, 'x');  // more than the buffers of a connection hold
    CHECK(runOn(visitor.io, visitor.client.post("/upload", object("text", text))) == object());
    server.join();
    REQUIRE(server.bodies.size() == 2);
    CHECK(server.bodies[1].size() == text.size() + 11);
    CHECK(server.bodies[1].starts_with(server.bodies[0]));
    CHECK(renewals(fake) == 1);
    CHECK(fake.state().requests.at("token") == 2);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a 401 that comes after the logout: no renewal, and nobody is brought back [35]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.hold("cart");
    std::optional<Failure> outcome;
    int status = 0;
    asio::co_spawn(visitor.io, asResult(visitor.client.fetch(Request("GET", cartPath))),
                   [&](std::exception_ptr, result<Response> got) {
                       if (got.has_error())
                           outcome = got.error();
                       else
                           status = got->status();
                   });
    runUntilHeld(visitor.io, fake, "cart", 1);
    bool out = false;
    asio::co_spawn(visitor.io, visitor.client.setTokens(Tokens()), [&](std::exception_ptr error) { out = !error; });
    while (!out && visitor.io.run_one()) {
    }
    fake.expireAccessTokens();
    fake.release("cart");
    visitor.io.run();
    // The call's session has ended, and there is no other: not an answer of the API's, and not a new visitor's.
    REQUIRE(outcome);
    CHECK(outcome->code == Errc::no_session);
    CHECK(status == 0);
    CHECK(renewals(fake) == 0);
    CHECK(fake.state().visitors == 1);
    CHECK(fake.state().requests.at("token") == 1);
    CHECK(fake.state().requests.at("cart") == 1);
    CHECK(runOn(visitor.io, visitor.client.getTokens()).empty());
}
