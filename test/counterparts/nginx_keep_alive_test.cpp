// nginx ends connections by count, by age and by reload; no call may suffer from it.
#include "counterparts/nginx.hpp"

#include <set>
#include <vector>

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

const std::string productsPath = "/stores-reader/v1/products/query-platformized";

std::int64_t itemsIn(const testing::FakeWix& fake) {
    std::int64_t items = 0;
    for (const testing::CartSummary& cart : fake.state().carts) items += cart.items;
    return items;
}

asio::awaitable<std::string> firstProduct(Client client) {
    const boost::json::value found = co_await client.post(queryPath);
    co_return std::string(found.at("products").at(0).at("id").as_string());
}

asio::awaitable<void> addAndLook(Client client, std::string product, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        boost::json::value body = oneOf(product);
        co_await client.post(addPath, std::move(body));
        co_await client.get(cartPath);
    }
}

/// The workers that have answered, and when to ask for new ones.
struct Reloads {
    explicit Reloads(Nginx& front) : nginx(front) {}
    void answeredBy(std::string_view worker) {
        ++answers;
        if (!workers.emplace(worker).second) return;
        if (workers.size() > 6) done = true;
        if (!done) nginx.reload();
    }

    Nginx& nginx;
    std::set<std::string> workers;
    std::vector<std::string> failures;
    int answers = 0;
    bool done = false;
};

asio::awaitable<void> lookUntilDone(Client client, std::shared_ptr<Reloads> reloads) {
    const auto giveUp = std::chrono::steady_clock::now() + 60s;
    while (!reloads->done && std::chrono::steady_clock::now() < giveUp) {
        Request request("GET", productsPath);
        const result<Response> got = co_await asResult(client.fetch(std::move(request)));
        if (got.has_error()) {
            reloads->failures.push_back(got.error().code.message() + ": " + got.error().context);
        } else if (got->status() != 200) {
            reloads->failures.push_back("status " + std::to_string(got->status()));
        } else {
            reloads->answeredBy(got->header("X-Worker").value_or("nobody"));
        }
    }
}

}  // namespace

TEST_CASE("nginx takes three requests a connection and keeps it for a second; 100 calls succeed [67]") {
    if (missing("nginx", "nginx")) return;
    const testing::FakeWix fake(behindAFront());
    Nginx nginx(fake, "keepalive_requests 3; keepalive_timeout 1s;");
    asio::io_context io;
    const Client client(io.get_executor(), OAuthStrategy(clientId), nginx.options());
    const std::string product = runOn(io, firstProduct(client));
    runOn(io, addAndLook(client, product, 50));
    CHECK(itemsIn(fake) > 0);
    CHECK(fake.state().requests.at("cart") == 100);
    CHECK(fake.state().visitors == 1);
    const std::string log = nginx.stopAndReadLog();
    CHECK(countOf(log, "POST " + addPath + " 200") == 50);
    CHECK(countOf(log, "GET " + cartPath + " 200") == 50);
    CHECK(countOf(log, "\n") == 102);  // with the token request and the query: nothing was sent twice
}

TEST_CASE("nginx has closed the idle connection; the next POST takes another one [60] [67]") {
    if (missing("nginx", "nginx")) return;
    const testing::FakeWix fake(behindAFront());
    Nginx nginx(fake, "keepalive_timeout 50ms;");
    asio::io_context io;
    const Client client(io.get_executor(), OAuthStrategy(clientId), nginx.options());
    const std::string product = runOn(io, firstProduct(client));
    for (int i = 1; i <= 5; ++i) {
        REQUIRE(eventually([&] { return openConnectionsTo(nginx.port()) == 0; }));
        runOn(io, client.post(addPath, oneOf(product)));
        CHECK(itemsIn(fake) == i);
    }
    const std::string log = nginx.stopAndReadLog();
    CHECK(countOf(log, "POST " + addPath + " 200") == 5);
    CHECK(countOf(log, "\n") == 7);
}

TEST_CASE("nginx is reloaded six times under load, without one failed GET [69]") {
    if (missing("nginx", "nginx")) return;
    const testing::FakeWix fake(behindAFront());
    Nginx nginx(fake, "add_header X-Worker $pid;");
    asio::io_context io;
    const Client client(io.get_executor(), OAuthStrategy(clientId), nginx.options());
    runOn(io, client.generateVisitorTokens());
    const auto reloads = std::make_shared<Reloads>(nginx);
    for (int i = 0; i < 16; ++i) asio::co_spawn(io, lookUntilDone(client, reloads), rethrow);
    io.restart();
    io.run();
    CHECK(reloads->failures == std::vector<std::string>());
    CHECK(reloads->workers.size() == 7);
    CHECK(reloads->answers > 100);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("nginx compresses: the body is the one that the fake gives") {
    if (missing("nginx", "nginx")) return;
    const testing::FakeWix fake(behindAFront());
    Nginx nginx(fake, R"(gzip on; gzip_types application/json; gzip_proxied any; gzip_min_length 1;
                         proxy_set_header Accept-Encoding "";)");
    asio::io_context io;
    const Client client(io.get_executor(), OAuthStrategy(clientId), nginx.options());
    const Client direct(io.get_executor(), OAuthStrategy(clientId), optionsFor(fake));
    const Response compressed = runOn(io, client.fetch(Request("GET", productsPath)));
    const Response plain = runOn(io, direct.fetch(Request("GET", productsPath)));
    CHECK(compressed.status() == 200);
    CHECK(compressed.body() == plain.body());
    CHECK(plain.body().size() > 1000);
    const std::string log = nginx.stopAndReadLog();
    CHECK(countOf(log, "GET " + productsPath + " 200 -") == 0);
    CHECK(countOf(log, "GET " + productsPath + " 200 ") == 1);
}
