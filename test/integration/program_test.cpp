// What programs write: `{}` as a body, sessions of other front ends, names of records, and what errors say.
#include "integration/failures.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/this_coro.hpp>

#include <set>

#include "support/eventually.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// Remembers the keys that it was asked for.
class KeyRecorder final : public TokenStorage {
public:
    asio::awaitable<std::optional<StoredTokens>> load(std::string key) override {
        keys.insert(key);
        return inner_.load(std::move(key));
    }
    asio::awaitable<SaveResult> save(std::string key, Tokens tokens, std::uint64_t version) override {
        return inner_.save(std::move(key), std::move(tokens), version);
    }
    asio::awaitable<void> erase(std::string key) override { return inner_.erase(std::move(key)); }

    std::set<std::string> keys;

private:
    MemoryTokenStorage inner_;
};

std::set<std::string> recordsOf(std::string id, std::string sessionKey) {
    testing::FakeWix fake;
    asio::io_context io;
    const auto storage = std::make_shared<KeyRecorder>();
    OAuthStrategy strategy(std::move(id));
    strategy.storage = storage;
    strategy.sessionKey = std::move(sessionKey);
    const Client client(io.get_executor(), strategy, optionsFor(fake));
    runOn(io, client.getTokens());
    return storage->keys;
}

asio::awaitable<void> enableAll(asio::awaitable<boost::json::value> operation) {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_await std::move(operation);
}

/// Cancels `operation` when `endpoint` holds a request, and returns what it says then.
std::string cancelled(asio::io_context& io, testing::FakeWix& fake, const std::string& endpoint,
                      asio::awaitable<boost::json::value> operation) {
    std::string text;
    bool ended = false;
    fake.hold(endpoint);
    asio::cancellation_signal signal;
    asio::co_spawn(io, enableAll(std::move(operation)),
                   asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failed) {
                       ended = true;
                       try {
                           if (failed) std::rethrow_exception(failed);
                       } catch (const std::exception& error) {
                           text = error.what();
                       }
                   }));
    const auto polled = [&](const auto& condition) {
        return eventually([&] {
            io.restart();
            io.poll();
            return condition();
        });
    };
    CHECK(polled([&] { return fake.waitUntilHeld(endpoint, 1, 0ms); }));
    signal.emit(asio::cancellation_type::total);
    CHECK(polled([&] { return ended; }));
    fake.release(endpoint);
    return text;
}

}  // namespace

TEST_CASE("{} as the body of post, put and patch is an empty object [D6]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const auto bodyOf = [&](asio::awaitable<boost::json::value> call) {
        visitor.failing(std::move(call));
        const testing::ReceivedRequest last = fake.requests("unknown").back();
        return last.header("Content-Type") + " " + last.body;
    };
    const std::string path = "/unknown/path";
    CHECK(bodyOf(visitor.client.post(path, {})) == "application/json {}");
    CHECK(bodyOf(visitor.client.put(path, {})) == "application/json {}");
    CHECK(bodyOf(visitor.client.patch(path, {})) == "application/json {}");
    CHECK(bodyOf(visitor.client.post(path, {}, CallOptions())) == "application/json {}");
    CHECK(bodyOf(visitor.client.post(path, {}, {})) == "application/json {}");
    CHECK(bodyOf(visitor.client.post(path)) == " ");
    CHECK(bodyOf(visitor.client.post(path, CallOptions())) == " ");
    CHECK(bodyOf(visitor.client.post(path, nullptr)) == "application/json null");
}

TEST_CASE("the name of a record tells client id and session key apart [C28]") {
    const auto name = [](std::string text) { return std::set<std::string>{std::move(text)}; };
    CHECK(recordsOf("x", "y/z") == name("x/y/z"));
    CHECK(recordsOf("x/y", "z") == name("x%2Fy/z"));
    CHECK(recordsOf("x%2Fy", "z") == name("x%252Fy/z"));
    CHECK(recordsOf("x/y", "") == name("x%2Fy"));
    CHECK(recordsOf("x", "y") == name("x/y"));
    CHECK(recordsOf("x", "y%2F{z}") == name("x/y%2F{z}"));
    CHECK(recordsOf("x", "/") == name("x//"));
    CHECK(recordsOf("x/", "") == name("x%2F"));
    // The names of Wix's own client ids are as they always were.
    CHECK(recordsOf(clientId, "") == name(clientId));
    CHECK(recordsOf(clientId, "visitor/1%") == name(clientId + "/visitor/1%"));
}

TEST_CASE("VisitorSessions names records as a Client does [C28]") {
    testing::FakeWix fake;
    asio::io_context io;
    const auto storage = std::make_shared<KeyRecorder>();
    OAuthStrategy strategy("a/b%");
    strategy.storage = storage;
    const VisitorSessions sessions(Transport(io.get_executor(), optionsFor(fake).transport), strategy,
                                   optionsFor(fake));
    for (const char* key : {"k", "k/l", "k l"}) {
        const Client client = run(io, sessions.open(key));
        runOn(io, client.getTokens());
    }
    CHECK(storage->keys == std::set<std::string>{"a%2Fb%25/k", "a%2Fb%25/k/l", "a%2Fb%25/k%20l"});
}

TEST_CASE("a session of a refresh token alone continues, and its visitor keeps the cart [C14]") {
    testing::FakeWix fake;
    asio::io_context io;
    const Tokens made = runOn(io, clientOf(io, fake).generateVisitorTokens());
    boost::json::value alone = toJson(made);
    SUBCASE("without an access token") { alone.as_object().erase("accessToken"); }
    SUBCASE("with an expiry that is null") { alone.at("accessToken").at("expiresAt") = nullptr; }
    const Client client = clientOf(io, fake);
    const Tokens tokens = runOn(io, client.generateVisitorTokens(tokensFromJson(alone)));
    CHECK_FALSE(tokens.accessToken.value.empty());
    CHECK(fake.state().visitors == 1);
    CHECK(failureOf(io, client.get(cartPath)).code == Errc::api_error);  // no cart yet, and the visitor is accepted
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a GET that was sent has taken no effect, and says so of no request [D7]") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.retry.maxAttempts = 1;
    Visitor visitor(fake, options);
    const auto textOf = [&](asio::awaitable<boost::json::value> call) {
        const Failure failure = visitor.failing(std::move(call));
        CHECK(failure.maybeSent);
        return std::string(Error(failure).what());
    };
    const std::string cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{";
    const auto once = [&](const char* endpoint) { fake.answerRaw(endpoint, cut, true); };
    once("cart");
    CHECK_FALSE(has(textOf(visitor.client.get(cartPath)), "taken effect"));
    once("products");
    CHECK_FALSE(has(textOf(visitor.client.post(queryPath, object())), "taken effect"));
    CallOptions keyed;
    keyed.headers.emplace_back("Idempotency-Key", "1");
    once("cart");
    CHECK_FALSE(has(textOf(visitor.client.post(addPath, object(), keyed)), "taken effect"));
    once("cart");
    CHECK(has(textOf(visitor.client.post(addPath, object())), "taken effect"));
}

TEST_CASE("a cancelled call says what it was waiting for [D7]") {
    testing::FakeWix fake;
    SUBCASE("a token") {
        asio::io_context io;
        const Client client = clientOf(io, fake);
        const std::string text = cancelled(io, fake, "token", client.get(cartPath));
        CHECK(has(text, "waiting for a token"));
        CHECK_FALSE(has(text, "sending the request"));
    }
    SUBCASE("the response, after a small or a large request") {
        for (const std::size_t size : {1u, 300'000u}) {
            testing::FakeWix other;
            Visitor visitor(other);
            boost::json::value body = object("x", std::string(size, 'x'));
            const std::string text =
                cancelled(visitor.io, other, "cart", visitor.client.post(addPath, std::move(body)));
            CHECK(has(text, "waiting for the answer"));
            CHECK_FALSE(has(text, "sending the request"));
        }
    }
}
