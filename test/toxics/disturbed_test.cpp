// Networks that are slow, late and in pieces, and lose nothing: nobody may notice.
#include "toxics/toxic_line.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

struct Results {
    std::string products, added, cart;
    bool operator==(const Results&) const = default;
};

/// What a visitor sees; ids that differ from visit to visit left out.
Results visit(ToxicLine& line) {
    Results seen;
    asio::io_context& io = line.visitor.io;
    const Client& client = line.visitor.client;
    const json::value products = runOn(io, client.post(queryPath, object()));
    seen.products = json::serialize(products);
    const std::string id(products.at("products").at(0).at("id").as_string());
    const json::value added = runOn(io, client.post(addPath, oneOf(id, 3)));
    seen.added = json::serialize(added.at("cart").at("lineItems").at(0).at("catalogReference"));
    const json::value cart = runOn(io, client.get(cartPath));
    seen.cart = json::serialize(cart.at("cart").at("lineItems").at(0).at("price"));
    CHECK(cart.at("cart").at("lineItems").at(0).at("quantity") == 3);
    line.visitor.checkUntouched();
    return seen;
}

void disturb(ToxicProxy& proxy, const Toxics& toxics) {
    proxy.set(Direction::upstream, toxics);
    proxy.set(Direction::downstream, toxics);
}

/// One of several visitors whose calls cross.
struct Crossing {
    Crossing(const Transport& transport, const ClientOptions& options, std::string product)
        : client(transport, OAuthStrategy(clientId), options), name(std::move(product)) {}
    Client client;
    std::string name;
    int answered = 0;
    std::vector<std::string> wrong;
};

json::value itemNamed(const std::string& name) {
    return object("customLineItems",
                  array(object("productName", object("original", name), "price", "1.00", "quantity", 1)));
}

/// Adds or reads, and looks whether all lines of the cart that came are the visitor's own.
asio::awaitable<void> callOnce(Crossing* visitor, int number, std::vector<int>* order) {
    json::value answer;
    if (number % 3 == 0)
        answer = co_await visitor->client.post(addPath, itemNamed(visitor->name));
    else
        answer = co_await visitor->client.get(cartPath);
    order->push_back(number);
    for (const json::value& line : answer.at("cart").at("lineItems").as_array()) {
        const std::string name(line.at("productName").at("original").as_string());
        if (name != visitor->name) visitor->wrong.push_back(name);
    }
    ++visitor->answered;
}

}  // namespace

TEST_CASE("every byte its own packet, or any packet of any size: the same results [79]") {
    for (const bool tls : {false, true}) {
        CAPTURE(tls);
        Results plain;
        {
            ToxicLine line(tls);
            plain = visit(line);
        }
        {
            ToxicLine line(tls);
            disturb(line.proxy, toxicsWith([](Toxics& toxics) { toxics.sliceSize = 1; }));
            CHECK(visit(line) == plain);
            CHECK(line.connections() == 1);
        }
        ToxicLine line(tls);
        disturb(line.proxy, toxicsWith([](Toxics& toxics) {
                    toxics.sliceSize = 40;
                    toxics.sliceVariation = 39;
                    toxics.sliceDelay = 100us;
                }));
        CHECK(visit(line) == plain);
        CHECK(line.connections() == 1);
    }
}

TEST_CASE("latency and jitter, answers in another order: no visitor gets what is another's [80]") {
    for (const bool tls : {false, true}) {
        CAPTURE(tls);
        testing::FakeWix fake(serving(tls));
        ToxicProxy proxy(fake.port(), 80);
        asio::io_context io;
        const ClientOptions options = optionsThrough(fake, proxy);
        TransportOptions shared = options.transport;
        shared.maxConnectionsPerOrigin = 6;  // each connection carries calls of both
        const Transport transport(io.get_executor(), shared);
        Crossing ann(transport, options, "Ann"), ben(transport, options, "Ben");
        for (Crossing* each : {&ann, &ben}) runOn(io, each->client.post(addPath, itemNamed(each->name)));
        disturb(proxy, toxicsWith([](Toxics& toxics) {
                    toxics.latency = 3ms;
                    toxics.jitter = 3ms;
                }));
        std::vector<int> order;
        for (int number = 0; number < 120; ++number)
            asio::co_spawn(io, callOnce(number % 2 ? &ann : &ben, number, &order), rethrow);
        io.restart();
        io.run();
        for (const Crossing* each : {&ann, &ben}) {
            CHECK(each->answered == 60);
            CHECK(each->wrong.empty());
        }
        CHECK(order.size() == 120);
        CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
        const testing::FakeWixState state = fake.state();
        CHECK(state.visitors == 2);
        REQUIRE(state.carts.size() == 2);
        CHECK(state.carts[0].items == 21);  // every third of 60, and the first one
        CHECK(state.carts[1].items == 21);
        CHECK(proxy.counts().accepted() <= 6);
    }
}
