// Which requests are sent again, and which never are.
#include "integration/failures.hpp"

#include <stop_token>

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

std::uint64_t carts(const testing::FakeWix& fake) { return fake.state().requests.at("cart"); }

/// The fake's one thread has done everything that was due when it accepts this call: a barrier.
void letTheServerCatchUp(const testing::FakeWix& fake, const Tokens& tokens) {
    asio::io_context io;
    OAuthStrategy strategy(clientId);
    strategy.tokens = tokens;
    const Client client(io.get_executor(), strategy, optionsFor(fake));
    runOn(io, client.post(queryPath, object()));
}

}  // namespace

TEST_CASE("a connection cut after a POST: the caller is told, and nothing is done twice") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    for (const bool reused : {true, false}) {
        for (const auto at : {testing::CutPoint::afterRequest, testing::CutPoint::beforeRequest}) {
            CAPTURE(reused);
            CAPTURE(static_cast<int>(at));
            const auto before = carts(fake);
            fake.cutNext("cart", 1, at);
            const Failure failure = visitor.failing(visitor.client.post(addPath, object()));
            CHECK(failure.code == Errc::maybe_sent);
            CHECK(failure.maybeSent);
            CHECK(has(failure.context, "POST " + fake.url() + addPath + ", waiting for the answer"));
            CHECK(carts(fake) == before + 1);
            if (reused) CHECK(visitor.failingGet().code == Errc::api_error);  // opens the next one
        }
    }
    visitor.checkUntouched();
}

TEST_CASE("a connection cut after a GET: sent again without a word") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.retry.maxAttempts = 1;  // that is not what does it
    Visitor visitor(fake, options);
    for (std::size_t cuts : {1u, 2u}) {
        CAPTURE(cuts);
        const auto before = carts(fake);
        CHECK(visitor.failingGet().code == Errc::api_error);
        fake.cutNext("cart", 1, testing::CutPoint::afterRequest);
        CHECK(visitor.failingGet().code == Errc::api_error);
        CHECK(carts(fake) == before + 3);
    }
    visitor.checkUntouched();
}

TEST_CASE("a fresh connection that is cut says something about the server: only retries help") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.transport.maxIdleTime = std::chrono::milliseconds(0);
    {
        ClientOptions once = options;
        once.retry.maxAttempts = 1;
        Visitor visitor(fake, once);
        fake.cutNext("cart", 1, testing::CutPoint::afterRequest);
        const Failure failure = visitor.failingGet();
        CHECK(failure.code == Errc::connection_lost);
        CHECK(failure.maybeSent);
        CHECK(carts(fake) == 1);
        visitor.checkUntouched();
    }
    asio::io_context io;
    const Client client(io.get_executor(), OAuthStrategy(clientId), options);
    fake.cutNext("cart", 2, testing::CutPoint::afterRequest);
    CHECK(failureOf(io, client.get(cartPath)).code == Errc::api_error);
    CHECK(carts(fake) == 4);
    fake.cutNext("cart", 3, testing::CutPoint::afterRequest);
    CHECK(failureOf(io, client.get(cartPath)).code == Errc::connection_lost);
    CHECK(carts(fake) == 7);
}

TEST_CASE("an idle connection that the server has closed is not used, not even for a POST") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const Tokens tokens = runOn(visitor.io, visitor.client.getTokens());
    fake.answerRaw("cart", answer("{}"), true);  // promises to stay open, and closes
    CHECK(runOn(visitor.io, visitor.client.get(cartPath)) == object());
    letTheServerCatchUp(fake, tokens);
    const auto connections = fake.state().totalConnections;
    const boost::json::value products = runOn(visitor.io, visitor.client.post(queryPath, object()));
    const std::string id(products.at("products").at(0).at("id").as_string());
    CHECK(fake.state().totalConnections == connections + 1);
    fake.answerRaw("cart", answer("{}"), true);
    CHECK(runOn(visitor.io, visitor.client.get(cartPath)) == object());
    letTheServerCatchUp(fake, tokens);
    CHECK(runOn(visitor.io, visitor.client.post(addPath, oneOf(id))).at("cart").at("lineItems").as_array().size() == 1);
    CHECK(fake.state().carts.at(0).items == 1);
    visitor.checkUntouched();
}

TEST_CASE("a passing status: GET again, POST never, a query again") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.transport.retryReserve = 100;  // all these faults are of one origin
    Visitor visitor(fake, options);
    for (int status : {408, 429, 500, 502, 503, 504}) {
        CAPTURE(status);
        const std::size_t resends = status == 408 ? 1 : 2;
        auto before = carts(fake);
        fake.failNext("cart", resends, testing::ScriptedReply(status));
        CHECK(apiErrorOf(visitor.io, visitor.client.get(cartPath))->status() == 404);  // the last answer: no cart
        CHECK(carts(fake) == before + resends + 1);

        before = carts(fake);
        fake.failNext("cart", 1, testing::ScriptedReply(status));
        CHECK(apiErrorOf(visitor.io, visitor.client.post(addPath, object()))->status() == status);
        CHECK(carts(fake) == before + 1);

        const auto queries = fake.state().requests.at("products");
        fake.failNext("products", 1, testing::ScriptedReply(status));
        CHECK(runOn(visitor.io, visitor.client.post(queryPath, object())).at("products").is_array());
        CHECK(fake.state().requests.at("products") == queries + 2);
    }
    const auto before = carts(fake);
    fake.failNext("cart", 3, testing::ScriptedReply(503));
    CHECK(apiErrorOf(visitor.io, visitor.client.get(cartPath))->status() == 503);
    CHECK(carts(fake) == before + 3);
    visitor.checkUntouched();
}

TEST_CASE("the caller knows best which calls may be repeated") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    CallOptions options;
    options.idempotent = true;
    fake.failNext("cart", 1, testing::ScriptedReply(503));
    CHECK(apiErrorOf(visitor.io, visitor.client.post(addPath, oneOf("x", -1), options))->status() == 400);
    CHECK(carts(fake) == 2);
    fake.cutNext("cart", 1, testing::CutPoint::afterRequest);
    CHECK(apiErrorOf(visitor.io, visitor.client.post(addPath, oneOf("x", -1), options))->status() == 400);
    CHECK(carts(fake) == 4);
    options.idempotent = false;
    fake.failNext("cart", 1, testing::ScriptedReply(503));
    CHECK(apiErrorOf(visitor.io, visitor.client.get(cartPath, options))->status() == 503);
    CHECK(carts(fake) == 5);
    fake.cutNext("cart", 1, testing::CutPoint::afterRequest);
    CHECK(visitor.failing(visitor.client.get(cartPath, options)).code == Errc::maybe_sent);
    CHECK(carts(fake) == 6);
}

TEST_CASE("Retry-After: a moment is waited, more is the caller's affair") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.failNext("cart", 1, testing::ScriptedReply(429, "", {{"Retry-After", "0"}}));
    CHECK(apiErrorOf(visitor.io, visitor.client.post(addPath, oneOf("x", -1)))->status() == 400);
    CHECK(carts(fake) == 2);
    for (const char* longer : {"6", "3600", "99999999999999999999", "Fri, 31 Dec 2100 23:59:59 GMT"}) {
        CAPTURE(longer);
        const auto before = carts(fake);
        fake.failNext("cart", 1, testing::ScriptedReply(429, "", {{"Retry-After", longer}}));
        CHECK(apiErrorOf(visitor.io, visitor.client.get(cartPath))->status() == 429);
        CHECK(carts(fake) == before + 1);
    }
    const auto begin = std::chrono::steady_clock::now();
    fake.failNext("cart", 1, testing::ScriptedReply(429, "", {{"Retry-After", "1"}}));
    CHECK(apiErrorOf(visitor.io, visitor.client.get(cartPath))->status() == 404);
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::seconds(1));
    visitor.checkUntouched();
}

TEST_CASE("what was not processed by definition is sent again, also a POST") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    for (int status : {421, 425}) {
        CAPTURE(status);
        const auto before = carts(fake);
        fake.failNext("cart", 1, testing::ScriptedReply(status));
        CHECK(apiErrorOf(visitor.io, visitor.client.post(addPath, oneOf("x", -1)))->status() == 400);
        CHECK(carts(fake) == before + 2);
    }
    visitor.checkUntouched();
}

TEST_CASE("a wait before the next attempt can be cancelled, and ends with its io_context") {
    testing::FakeWix fake;
    const testing::ScriptedReply later(429, "", {{"Retry-After", "4"}});
    for (const bool cancelled : {true, false}) {
        CAPTURE(cancelled);
        std::stop_source stop;
        CallOptions options;
        options.stopToken = stop.get_token();
        std::optional<Failure> outcome;
        const auto before = carts(fake);
        Visitor visitor(fake);
        const Tokens tokens = runOn(visitor.io, visitor.client.getTokens());
        fake.failNext("cart", 1, later);
        visitor.io.restart();
        asio::co_spawn(visitor.io, asResult(visitor.client.get(cartPath, options)),
                       [&](std::exception_ptr, result<boost::json::value> got) {
                           if (got.has_error()) outcome = got.error();
                       });
        while (carts(fake) == before) visitor.io.run_one_for(std::chrono::milliseconds(5));
        letTheServerCatchUp(fake, tokens);
        visitor.io.poll();
        CHECK_FALSE(outcome);
        if (!cancelled) continue;  // a leak, or worse, if the pause outlives its context
        stop.request_stop();
        visitor.io.run();
        REQUIRE(outcome);
        CHECK(outcome->code == asio::error::operation_aborted);
        CHECK(outcome->context == "waiting to try again");
        CHECK(carts(fake) == before + 1);
    }
}
