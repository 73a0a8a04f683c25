// Rows 14 to 17: an API that does not answer as it should, and what the observer sees of it.
#include "integration/failures.hpp"
#include "support/request_log.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <memory>
#include <vector>

using namespace wix;
using namespace wix::test;
using testing::CutPoint;
using testing::ScriptedReply;
namespace asio = boost::asio;

namespace {

using Events = std::vector<std::string>;

struct Shop {
    explicit Shop(std::size_t reserve = 1000) : visitor(fake, options(reserve)) { log->take(); }

    ClientOptions options(std::size_t reserve) const {
        ClientOptions made = optionsFor(fake);
        made.observer = log;
        made.transport.retryReserve = reserve;
        return made;
    }
    int status(Request request) {
        const int got = runOn(visitor.io, visitor.client.fetch(std::move(request))).status();
        CHECK(log->last().status == got);
        return got;
    }
    std::uint64_t carts() const { return fake.state().requests["cart"]; }

    testing::FakeWix fake;
    std::shared_ptr<RequestLog> log = std::make_shared<RequestLog>();
    Visitor visitor;
};

Request addToCart() {
    Request request("POST", addPath);
    request.json(oneOf("x", -1));
    return request;
}

asio::awaitable<void> callMany(Client client, int count) {
    for (int i = 0; i < count; ++i) {
        const Response response = co_await client.fetch(Request("GET", cartPath));
        CHECK(response.status() == 500);
    }
}

}  // namespace

TEST_CASE("a 503 and then an answer: a GET is sent again [14]") {
    Shop shop;
    shop.fake.failNext("cart", 1, ScriptedReply(503));
    CHECK(shop.status(Request("GET", cartPath + "?secret=1")) == 404);  // there is no cart
    CHECK(shop.carts() == 2);
    CHECK(shop.log->events() == Events{"retried(503)", "finished(404)"});
    CHECK(shop.log->reasons() == Events{"a passing status", "answered"});
    CHECK(shop.log->requests() == Events(2, "GET " + shop.fake.url() + cartPath));
    CHECK(shop.log->last().attempts == 2);
    CHECK_FALSE(shop.log->last().requestId.empty());
    CHECK(shop.log->last().duration > std::chrono::nanoseconds(0));
    shop.log->take();

    shop.fake.failNext("cart", 1, ScriptedReply(503));
    shop.fake.cutNext("cart", 1, CutPoint::afterHeaders);
    CHECK(shop.status(Request("GET", cartPath)) == 404);
    CHECK(shop.log->events() == Events{"retried(503)", "retried(error 61)", "finished(404)"});
    CHECK(shop.log->reasons() == Events{"a passing status", "a connection fault", "answered"});
    shop.log->take();

    shop.fake.failNext("cart", 3, ScriptedReply(503));
    CHECK(shop.status(Request("GET", cartPath)) == 503);
    CHECK(shop.log->events() == Events{"retried(503)", "retried(503)", "finished(503)"});
    CHECK(shop.log->reasons().back() == "no attempts left");
    CHECK(shop.carts() == 8);
    shop.visitor.checkUntouched();
}

TEST_CASE("a 503 for a POST is given to the caller, and nothing is done twice [15]") {
    Shop shop;
    shop.fake.failNext("cart", 2, ScriptedReply(503));
    for (std::uint64_t call = 1; call <= 2; ++call) {
        CHECK(shop.status(addToCart()) == 503);
        CHECK(shop.carts() == call);
        CHECK(shop.log->reasons() == Events{"a passing status, but not repeatable"});
        CHECK(shop.log->take() == Events{"finished(503)"});
    }
    shop.fake.cutNext("cart", 1, CutPoint::afterRequest);
    CHECK(shop.visitor.failing(shop.visitor.client.post(addPath, object())).code == Errc::maybe_sent);
    CHECK(shop.log->take() == Events{"finished(error 24)"});
    CHECK(shop.carts() == 3);
    // With a key the server knows a repetition.
    for (const char* name : {"Idempotency-Key", "idempotency-key"}) {
        shop.fake.failNext("cart", 1, ScriptedReply(503));
        CHECK(shop.status(addToCart().header(name, "k1")) == 400);
        CHECK(shop.log->take() == Events{"retried(503)", "finished(400)"});
    }
    shop.fake.failNext("cart", 1, ScriptedReply(503));
    CHECK(shop.status(addToCart().header("Idempotency-Key", "k1").idempotent(false)) == 503);
    shop.visitor.checkUntouched();
}

TEST_CASE("408, 425 and 421: one resend, of a POST only if it was not processed by definition [16]") {
    Shop shop;
    for (int status : {408, 425, 421}) {
        CAPTURE(status);
        const std::string code = "(" + std::to_string(status) + ")";
        auto before = shop.carts();
        shop.fake.failNext("cart", 2, ScriptedReply(status));
        CHECK(shop.status(Request("GET", cartPath)) == status);
        CHECK(shop.carts() == before + 2);
        CHECK(shop.log->reasons().back() == "was sent again for such a status already");
        CHECK(shop.log->take() == Events{"retried" + code, "finished" + code});

        before = shop.carts();
        shop.fake.failNext("cart", 1, ScriptedReply(status));
        CHECK(shop.status(addToCart()) == (status == 408 ? 408 : 400));
        CHECK(shop.carts() == before + (status == 408 ? 1 : 2));
        CHECK(shop.log->take() ==
              (status == 408 ? Events{"finished(408)"} : Events{"retried" + code, "finished(400)"}));
    }
    shop.visitor.checkUntouched();
}

TEST_CASE("everything is answered with 500: 1 000 calls cost at most 1 210 requests [17]") {
    const std::size_t reserve = TransportOptions().retryReserve;
    for (const int callers : {1, 50}) {
        CAPTURE(callers);
        Shop shop(reserve);
        shop.fake.failNext("cart", 100'000, ScriptedReply(500));
        shop.visitor.io.restart();
        for (int i = 0; i < callers; ++i)
            asio::co_spawn(shop.visitor.io, callMany(shop.visitor.client, 1000 / callers), rethrow);
        shop.visitor.io.run();
        CHECK(shop.carts() <= 1210);
        CHECK(shop.carts() >= 1200);  // and it was made use of
        const Events reasons = shop.log->reasons();
        CHECK(std::count(reasons.begin(), reasons.end(), "retry quota is empty") > 500);
        const Events events = shop.log->take();
        CHECK(std::count(events.begin(), events.end(), "finished(500)") == 1000);
        CHECK(std::count(events.begin(), events.end(), "retried(500)") ==
              static_cast<std::ptrdiff_t>(shop.carts()) - 1000);

        // Healthy again: after some calls a passing fault is repaired as before.
        shop.fake.clearFaults();
        for (int call = 0; call < 10; ++call) CHECK(shop.status(Request("GET", cartPath)) == 404);
        shop.log->take();
        shop.fake.failNext("cart", 1, ScriptedReply(500));
        CHECK(shop.status(Request("GET", cartPath)) == 404);
        CHECK(shop.log->take() == Events{"retried(500)", "finished(404)"});
        shop.visitor.checkUntouched();
    }
}

TEST_CASE("nobody listens: the calls fail at once when the quota is empty, and the text is the fault's [17]") {
    Shop shop(10);
    Client client = shop.visitor.client;
    asio::io_context io;
    ClientOptions options = shop.options(10);
    const auto port = SilentListener().port();  // and it is gone
    options.apiUrl = "https://127.0.0.1:" + std::to_string(port);
    OAuthStrategy strategy(clientId);
    strategy.tokens = runOn(shop.visitor.io, client.getTokens());
    const Client lost(io.get_executor(), strategy, options);
    shop.log->take();
    for (int call = 0; call < 100; ++call) CHECK(failureOf(io, lost.get(cartPath)).code == Errc::connection_refused);
    const Events events = shop.log->take();
    CHECK(std::count(events.begin(), events.end(), "finished(error 21)") == 100);
    CHECK(events.size() <= 100 + 30);
    CHECK(events.size() >= 100 + 29);
}

TEST_CASE("what one attempt may have done is told also if the next one never left") {
    Shop shop;
    ClientOptions options = shop.options(1000);
    options.transport.maxIdleTime = std::chrono::milliseconds(0);
    options.retry.maxAttempts = 2;
    options.retry.firstDelay = std::chrono::milliseconds(0);
    asio::io_context io;
    OAuthStrategy strategy(clientId);
    strategy.tokens = runOn(shop.visitor.io, shop.visitor.client.getTokens());
    auto fake = std::make_unique<testing::FakeWix>();
    options.apiUrl = fake->url();
    options.transport.tls.caPem = fake->caPem();
    const Client client(io.get_executor(), strategy, options);
    fake->hold("cart");
    std::optional<Failure> failure;
    asio::co_spawn(io, asResult(client.get(cartPath)), [&](std::exception_ptr, result<boost::json::value> got) {
        if (got.has_error()) failure = got.error();
    });
    runUntil(io, [&] { return fake->waitUntilHeld("cart", 1, std::chrono::milliseconds(0)); });
    fake.reset();
    io.restart();
    io.run();
    REQUIRE(failure);
    CHECK(failure->code == Errc::connection_refused);
    CHECK(failure->maybeSent);
}
