// Which token request goes first when there are too many.
#include "integration/failures.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <vector>

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

bool isRenewal(const testing::ReceivedRequest& request) { return has(request.body, "refresh_token"); }

}  // namespace

TEST_CASE("the renewal of an existing visitor overtakes new visitors at a busy token endpoint [C21]") {
    testing::FakeWix fake;
    asio::io_context io;
    ClientOptions options = optionsFor(fake);
    options.transport.maxTokenRequests = 2;
    const Transport transport(io.get_executor(), options.transport);
    const Client existing(transport, OAuthStrategy(clientId), options);
    runOn(io, existing.generateVisitorTokens());
    fake.expireAccessTokens();
    fake.hold("token");

    std::vector<Client> newcomers;
    for (int i = 0; i < 60; ++i) {
        newcomers.emplace_back(transport, OAuthStrategy(clientId), options);
        asio::co_spawn(io, newcomers.back().generateVisitorTokens(), asio::detached);
    }
    runUntil(io, [&] { return fake.waitUntilHeld("token", 2, 0ms); });
    bool served = false;
    asio::co_spawn(io, existing.fetch(Request("GET", cartPath)),
                   [&](std::exception_ptr error, const Response&) { served = !error; });
    runUntil(io, [&] { return fake.state().requests["cart"] == 1; });  // a 401: it waits for its renewal
    for (int i = 0; i < 50; ++i) io.poll();
    fake.release("token");
    io.restart();
    io.run();

    CHECK(served);
    const auto requests = fake.requests("token");
    REQUIRE(requests.size() == 1 + 60 + 1);
    const auto renewal = std::find_if(requests.begin(), requests.end(), isRenewal);
    REQUIRE(renewal != requests.end());
    // The first one was its own, two were at the endpoint, and two places may have been taken before it was queued.
    CHECK(renewal - requests.begin() <= 1 + 2 + 2);
}

TEST_CASE("new visitors are served beside renewals that never stop [C21]") {
    testing::FakeWix fake;
    asio::io_context io;
    ClientOptions options = optionsFor(fake);
    options.transport.maxTokenRequests = 1;
    const Transport transport(io.get_executor(), options.transport);
    std::vector<Client> existing;
    for (int i = 0; i < 20; ++i) {
        existing.emplace_back(transport, OAuthStrategy(clientId), options);
        runOn(io, existing.back().generateVisitorTokens());
    }
    fake.hold("token");
    for (const Client& client : existing) asio::co_spawn(io, client.renewToken(), asio::detached);
    runUntil(io, [&] { return fake.waitUntilHeld("token", 1, 0ms); });
    const Client newcomer(transport, OAuthStrategy(clientId), options);
    asio::co_spawn(io, newcomer.generateVisitorTokens(), asio::detached);
    for (int i = 0; i < 50; ++i) io.poll();
    fake.release("token");
    io.restart();
    io.run();
    auto requests = fake.requests("token");
    REQUIRE(requests.size() == 20 + 20 + 1);
    requests.erase(requests.begin(), requests.begin() + 20);
    const auto first = std::find_if(requests.begin(), requests.end(), [](const auto& one) { return !isRenewal(one); });
    REQUIRE(first != requests.end());
    CHECK(first - requests.begin() <= 1 + 4);
}
