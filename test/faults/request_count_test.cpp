// How many requests of one call a server sees, counted at the server.
#include "integration/failures.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <functional>
#include <memory>
#include <vector>

using namespace wix;
using namespace wix::test;
using testing::CutPoint;
using testing::ScriptedReply;
namespace asio = boost::asio;

namespace {

class Letters final : public BodySource {
public:
    std::optional<std::uint64_t> size() const override { return 5; }
    asio::awaitable<std::string> read(std::size_t) override { co_return std::exchange(left_, std::string()); }
    bool rewind() override {
        left_ = "[1,2]";
        return true;
    }

private:
    std::string left_ = "[1,2]";
};

/// One kind of request that may be repeated.
struct Kind {
    std::string name;
    std::function<Request()> make;
};

Request with(std::string method, bool streamed, bool hasKey) {
    Request request(std::move(method), cartPath);
    if (hasKey) request.header("Idempotency-Key", "k1");
    if (streamed)
        request.body(std::make_shared<Letters>(), "application/json");
    else if (request.method() != "GET")
        request.json(object());
    return request;
}

std::vector<Kind> kinds() {
    return {{"GET", [] { return with("GET", false, false); }},
            {"PUT", [] { return with("PUT", false, false); }},
            {"PUT, streamed", [] { return with("PUT", true, false); }},
            {"POST with a key", [] { return with("POST", false, true); }},
            {"POST with a key, streamed", [] { return with("POST", true, true); }}};
}

/// A visitor with several idle connections.
struct Shop {
    explicit Shop(int maxAttempts = 3) : visitor(fake, options(maxAttempts)) { warmUp(); }

    ClientOptions options(int maxAttempts) const {
        ClientOptions made = optionsFor(fake);
        made.retry.maxAttempts = maxAttempts;
        made.transport.retryReserve = 1000;
        return made;
    }
    void warmUp() {
        fake.hold("products");
        for (int i = 0; i < 12; ++i)
            asio::co_spawn(visitor.io, visitor.client.post(queryPath, object()), asio::detached);
        runUntil(visitor.io, [&] { return fake.waitUntilHeld("products", 12, std::chrono::milliseconds(0)); });
        fake.release("products");
        visitor.io.restart();
        visitor.io.run();
    }
    /// Requests that the server saw of a call to the cart.
    std::uint64_t seen(const Request& request) {
        const auto before = fake.state().requests["cart"];
        try {
            runOn(visitor.io, visitor.client.fetch(request));
        } catch (const Error& error) {
            failure = error.failure();
        }
        return fake.state().requests["cart"] - before;
    }

    testing::FakeWix fake;
    Visitor visitor;
    Failure failure;
};

ScriptedReply unauthorized() { return ScriptedReply(401, "{}"); }
ScriptedReply redirect() { return ScriptedReply(307, "", {{"Location", cartPath}}); }

}  // namespace

TEST_CASE("a server that closes each connection without a response sees maxAttempts requests, and one more [C20]") {
    for (const Kind& kind : kinds())
        for (const int attempts : {1, 2, 3}) {
            CAPTURE(kind.name);
            CAPTURE(attempts);
            Shop shop(attempts);
            shop.fake.cutNext("cart", 100, CutPoint::afterRequest);
            CHECK(shop.seen(kind.make()) == static_cast<std::uint64_t>(attempts) + 1);
            CHECK(shop.failure.code == Errc::connection_lost);
            CHECK(shop.failure.maybeSent);
        }
}

TEST_CASE("after a 401 it sees one more, no new attempts, and no second resend on a stale connection [C20]") {
    for (const Kind& kind : kinds())
        // The first one is stale and sent again, the others are attempts.
        for (const std::size_t before : {1u, 2u, 3u}) {
            CAPTURE(kind.name);
            CAPTURE(before);
            Shop shop;
            shop.fake.cutNext("cart", before, CutPoint::afterRequest);
            shop.fake.failNext("cart", 1, unauthorized());
            shop.fake.cutNext("cart", 100, CutPoint::afterRequest);
            CHECK(shop.seen(kind.make()) == 3 + 1 + 1);
        }
}

TEST_CASE("408, 421 and 425 count as attempts [C20]") {
    for (const int status : {408, 421, 425}) {
        CAPTURE(status);
        Shop shop;
        shop.fake.failNext("cart", 1, ScriptedReply(status));
        shop.fake.cutNext("cart", 100, CutPoint::afterRequest);
        CHECK(shop.seen(with("GET", false, false)) == 3 + 1);
        Shop once(1);
        once.fake.failNext("cart", 100, ScriptedReply(status));
        CHECK(once.seen(with("GET", false, false)) == 1);
    }
}

TEST_CASE("redirects are counted beside that: the resend on a stale connection is the call's, not the hop's [C20]") {
    for (const int redirects : {1, 3}) {
        CAPTURE(redirects);
        Shop shop;
        shop.fake.cutNext("cart", 1, CutPoint::afterRequest);
        shop.fake.failNext("cart", static_cast<std::size_t>(redirects), redirect());
        shop.fake.cutNext("cart", 100, CutPoint::afterRequest);
        Request request = with("GET", false, false);
        CallOptions options;
        options.maxRedirects = 5;
        request.options(options);
        CHECK(shop.seen(request) == static_cast<std::uint64_t>(3 + 1 + redirects));
    }
}

TEST_CASE("a request of which nothing could be sent is not counted [C20]") {
    Shop shop(1);
    shop.fake.answerRaw("cart", answer("{}"), true);  // the connection is closed, and was the last one in use
    CHECK(shop.seen(with("GET", false, false)) == 1);
    CHECK(shop.seen(with("GET", false, false)) == 1);
    CHECK(shop.seen(with("GET", false, false)) == 1);
}

TEST_CASE("a POST that must not be repeated is seen once [C20]") {
    Shop shop;
    shop.fake.cutNext("cart", 100, CutPoint::afterRequest);
    CHECK(shop.seen(with("POST", false, false)) == 1);
    CHECK(shop.failure.code == Errc::maybe_sent);
}
