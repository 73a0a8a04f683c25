// The visitors of one server: a session for each, which leaves memory and comes back.
#include <boost/json/parse.hpp>

#include "integration/visitor_server.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
using testing::FakeWix;
namespace asio = boost::asio;

namespace {

/// One after the other, each with a call.
asio::awaitable<void> visitInTurn(VisitorSessions sessions, std::vector<std::string> keys) {
    for (const std::string& key : keys) {
        const Client client = co_await sessions.open(key);
        co_await client.post(queryPath, object());
        co_await client.renewToken();
    }
}

asio::awaitable<Tokens> visit(VisitorSessions sessions, std::string key) {
    const Client client = co_await sessions.open(std::move(key));
    co_return co_await client.generateVisitorTokens();
}

}  // namespace

TEST_CASE("the same key gives the same session: 100 visits at once are one visitor, and one exchange") {
    Server server;
    std::vector<Tokens> all;
    for (int i = 0; i < 100; ++i)
        asio::co_spawn(server.io, visit(*server.sessions, "anna"), [&](std::exception_ptr error, Tokens tokens) {
            if (!error) all.push_back(std::move(tokens));
        });
    server.io.run();
    REQUIRE(all.size() == 100);
    for (const Tokens& tokens : all) CHECK(tokens == all.front());
    CHECK(server.fake.state().visitors == 1);
    CHECK(server.fake.state().requests["token"] == 1);
    CHECK(server.counts().sessions == 1);
    CHECK(server.counts().opened == 100);
    CHECK(server.counts().found == 99);
}

TEST_CASE("different keys have different carts, whatever bytes they are of") {
    Server server;
    const std::vector<std::string> keys = {"anna",   "bert",     "a b",   "a%20b", std::string("a\0b", 3),
                                           "a\r\nb", "\xC3\xA4", "anna ", "Anna",  std::string(512, 'x')};
    for (std::size_t i = 0; i < keys.size(); ++i)
        for (std::size_t n = 0; n <= i; ++n) server.add(keys[i]);
    for (std::size_t i = 0; i < keys.size(); ++i) CHECK(server.items(keys[i]) == static_cast<std::int64_t>(i + 1));
    CHECK(server.fake.state().visitors == keys.size());
    CHECK(server.items("carl") == -1);
}

TEST_CASE("a key that is none is refused, and not repeated") {
    Server server;
    CHECK(server.openFails("").code == Errc::invalid_argument);
    CHECK(server.openFails(std::string(plantedSecret) + std::string(512, 'x')).code == Errc::invalid_argument);
    CHECK(server.counts().opened == 0);
}

TEST_CASE("the session of a key is that of a Client with this session key") {
    Server server;
    server.add("anna");
    OAuthStrategy strategy = strategyWith(server.storage);
    strategy.sessionKey = "anna";
    const Client client(server.transport, strategy, optionsFor(server.fake));
    CHECK(runOn(server.io, client.getTokens()) == runOn(server.io, server.open("anna").getTokens()));
}

TEST_CASE("the longest unused session leaves memory for another one, and its cart is there when it comes back") {
    Server server(2);
    for (const char* key : {"anna", "bert", "carl"}) server.add(key);
    CHECK(server.counts().sessions == 2);
    CHECK(server.counts().evictedForSpace == 1);
    const int calls = server.storage->calls;
    CHECK(server.items("carl") == 1);
    CHECK(server.storage->calls == calls);  // it is in memory
    CHECK(server.items("anna") == 1);       // and this one comes from the storage
    CHECK(server.storage->calls > calls);
    CHECK(server.counts().evictedForSpace == 2);
    CHECK(server.fake.state().visitors == 3);
    CHECK(server.fake.state().requests["token"] == 3);
}

TEST_CASE("a session that was unused for long leaves memory as others are opened, and comes back") {
    Server server(100, 1ms);
    server.add("anna");
    runUntil(server.io, [&] {
        server.open("bert");
        return server.counts().evictedIdle >= 1;
    });
    CHECK(server.items("anna") == 1);
    CHECK(server.fake.state().visitors == 1);
}

TEST_CASE("a session that leaves memory does nothing: no request, no call of the storage, no handler") {
    Server server(1);
    server.add("anna");
    const auto requests = server.fake.state().requests;
    const int calls = server.storage->calls;
    for (int i = 0; i < 1000; ++i) server.open("visitor " + std::to_string(i));
    CHECK(server.counts().evictedForSpace == 1000);
    server.io.restart();
    CHECK(server.io.run() == 0);
    CHECK(server.storage->calls == calls);
    CHECK(server.fake.state().requests == requests);
}

TEST_CASE("a session with an exchange in flight stays, although nobody has its Client") {
    Server server(2);
    server.fake.hold("token");
    std::optional<Tokens> tokens;
    asio::co_spawn(server.io, visit(*server.sessions, "anna"), [&](std::exception_ptr error, Tokens given) {
        if (!error) tokens = std::move(given);
    });
    runUntil(server.io, [&] { return server.fake.waitUntilHeld("token", 1, 0ms); });
    const auto open = [&](const std::string& key) {  // others wait: run() would wait for them too
        std::optional<Client> opened;
        asio::co_spawn(server.io, openInto(&opened, *server.sessions, key), [](std::exception_ptr) {});
        runUntil(server.io, [&] { return opened.has_value(); });
    };
    for (int i = 0; i < 20; ++i) open("visitor " + std::to_string(i));
    CHECK(server.counts().sessions == 2);
    CHECK(server.counts().evictedForSpace == 19);
    CHECK_FALSE(tokens);
    server.fake.release("token");
    runUntil(server.io, [&] { return tokens.has_value(); });
    const auto found = server.counts().found;
    CHECK(runOn(server.io, server.open("anna").getTokens()) == *tokens);
    CHECK(server.counts().found == found + 1);
    CHECK(server.fake.state().requests["token"] == 1);
}

TEST_CASE("sessions of which somebody has a Client stay: when all do there is no place, until one is dropped") {
    Server server(3);
    std::map<std::string, Client> held;
    for (const char* key : {"anna", "bert", "carl"}) held.emplace(key, server.open(key));
    const Failure full = server.openFails("dora");
    CHECK(full.code == Errc::too_many_sessions);
    CHECK(has(full.context, "3 sessions"));
    CHECK(server.counts().refused == 1);
    CHECK(server.counts().sessions == 3);
    server.open("bert");  // who is there is no newcomer
    held.erase("bert");
    server.open("dora");
    CHECK(server.counts().evictedForSpace == 1);
    CHECK(server.counts().sessions == 3);
    CHECK(runOn(server.io, held.at("anna").generateVisitorTokens()).refreshToken.role == TokenRole::visitor);
}

TEST_CASE("a session is idle as soon as its last caller goes on: one place is enough for visits one after the other") {
    Server server(1);
    runOn(server.io, visitInTurn(*server.sessions, {"anna", "bert", "anna", "carl"}));
    CHECK(server.counts().evictedForSpace == 3);
    CHECK(server.fake.state().visitors == 3);
}

TEST_CASE("a session that could not be saved stays in memory until it is") {
    Server server(1);
    server.storage->saveFails = true;
    server.add("anna");
    CHECK(server.openFails("bert").code == Errc::too_many_sessions);
    server.storage->saveFails = false;
    runUntil(server.io, [&] {
        const Client client = server.open("anna");
        runOn(server.io, client.generateVisitorTokens());
        return run(server.storage->memory.load(clientId + "/anna")).has_value();
    });
    server.open("bert");
    CHECK(server.items("anna") == 1);
    CHECK(server.fake.state().visitors == 1);
}

TEST_CASE("two client ids on one storage never see each other's sessions") {
    Server server;
    OAuthStrategy other("99999999-2222-3333-4444-555555555555");
    other.storage = server.storage;
    const VisitorSessions others(server.transport, other, optionsFor(server.fake));
    const Tokens mine = runOn(server.io, visit(*server.sessions, "anna"));
    const Tokens theirs = runOn(server.io, visit(others, "anna"));
    CHECK(mine.refreshToken.value != theirs.refreshToken.value);
    CHECK(runOn(server.io, visit(*server.sessions, "anna")) == mine);
    CHECK(server.fake.state().visitors == 2);
}

TEST_CASE("close() closes every session, also those with a Client; the transport stays open") {
    Server server;
    const Client anna = server.open("anna");
    runOn(server.io, anna.generateVisitorTokens());
    server.add("bert");
    runOn(server.io, server.sessions->close());
    CHECK(server.counts().sessions == 0);
    CHECK(server.openFails("anna").code == asio::error::operation_aborted);
    CHECK(failureOf(server.io, anna.generateVisitorTokens()).code == asio::error::operation_aborted);
    runOn(server.io, server.sessions->close());  // there is nothing left to close
    const VisitorSessions later(server.transport, strategyWith(server.storage), optionsFor(server.fake));
    CHECK(runOn(server.io, visit(later, "anna")).refreshToken.role == TokenRole::visitor);
    CHECK(server.fake.state().visitors == 2);
    CHECK(server.fake.state().totalConnections == 1);
}

TEST_CASE("close() lets exchanges that were sent end and saves them, all at the same time") {
    Server server;
    server.fake.hold("token", testing::HoldPoint::beforeReply);
    for (int i = 0; i < 10; ++i)
        asio::co_spawn(server.io, visit(*server.sessions, std::to_string(i)), [](std::exception_ptr, Tokens) {});
    runUntil(server.io, [&] { return server.fake.waitUntilHeld("token", 10, 0ms); });
    bool closed = false;
    asio::co_spawn(server.io, server.sessions->close(), [&](std::exception_ptr error) { closed = !error; });
    server.io.poll();
    CHECK_FALSE(closed);
    server.fake.release("token");
    runUntil(server.io, [&] { return closed; });
    for (int i = 0; i < 10; ++i)
        CHECK(run(server.storage->memory.load(clientId + "/" + std::to_string(i))).has_value());
}

TEST_CASE("close() throws the first failure, after all sessions have been closed") {
    Server server;
    server.add("anna");
    server.storage->saveFails = true;
    server.add("bert");
    server.add("carl");
    const Client anna = server.open("anna");
    CHECK(failureOf(server.io, server.sessions->close()).code == Errc::storage_unavailable);
    CHECK(failureOf(server.io, anna.generateVisitorTokens()).code == asio::error::operation_aborted);
    CHECK(server.counts().sessions == 0);
}

TEST_CASE("clients and operations outlive the sessions' owner") {
    Server server;
    const Client anna = server.open("anna");
    auto opening = visit(*server.sessions, "bert");
    server.sessions.reset();
    CHECK(runOn(server.io, anna.generateVisitorTokens()).refreshToken.role == TokenRole::visitor);
    CHECK(runOn(server.io, std::move(opening)).refreshToken.role == TokenRole::visitor);
}

TEST_CASE("what would mix visitors, or lose them, is refused; so is what a Client refuses") {
    Server server;
    const auto refusal = [&](OAuthStrategy strategy, VisitorSessionsOptions limits = VisitorSessionsOptions(),
                             ClientOptions options = ClientOptions()) {
        const Failure failure = refusalOf([&] { VisitorSessions(server.transport, strategy, options, limits); });
        CHECK(failure.code == Errc::invalid_argument);
        return failure.context;
    };
    CHECK(has(refusal(strategyWith(nullptr)), "OAuthStrategy::storage"));
    OAuthStrategy withTokens = strategyWith(server.storage);
    withTokens.tokens.refreshToken = RefreshToken(std::string(plantedSecret), TokenRole::visitor);
    const std::string text = refusal(withTokens);
    CHECK(has(text, "OAuthStrategy::tokens"));
    requireNoSecret(text);
    OAuthStrategy withoutId = strategyWith(server.storage);
    withoutId.clientId.clear();
    CHECK(has(refusal(withoutId), "OAuthStrategy::clientId"));
    const OAuthStrategy good = strategyWith(server.storage);
    ClientOptions options;
    options.apiUrl = "ftp://example.com";
    CHECK(has(refusal(good, VisitorSessionsOptions(), options), "ClientOptions::apiUrl"));
    for (const std::size_t bad : {std::size_t{0}, std::size_t{10'000'001}}) {
        VisitorSessionsOptions limits;
        limits.maxSessions = bad;
        CHECK(has(refusal(good, limits), "VisitorSessionsOptions::maxSessions"));
    }
    for (const auto bad : {0ms, -1ms, std::chrono::milliseconds(24h) + 1ms}) {
        VisitorSessionsOptions limits;
        limits.maxIdleTime = bad;
        CHECK(has(refusal(good, limits), "VisitorSessionsOptions::maxIdleTime"));
    }
}
