// Servers that are none of Redis, or lose answers: byte by byte.
#include <boost/json/serialize.hpp>

#include <sys/socket.h>

#include <csignal>
#include <future>

#include "redis/redis_server.hpp"
#include "support/scripted_server.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

std::string urlOf(const ScriptedServer& server) { return "redis://127.0.0.1:" + std::to_string(server.port()); }

std::string readLoad(ScriptedPeer& peer) { return peer.readUntil("tokens\r\n"); }
const std::string noRecord = "*2\r\n$-1\r\n$-1\r\n";
std::string bulk(const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }

}  // namespace

TEST_CASE("redis, strange servers: what is no answer to a load is an error, and the next load is served") {
    std::string answer;
    Errc expected = Errc::storage_unavailable;
    SUBCASE("HTTP") { answer = "HTTP/1.1 400 Bad Request\r\n\r\n"; }
    SUBCASE("zeros") { answer = std::string(100, '\0'); }
    SUBCASE("a status") { answer = "+JWS.\r\n"; }
    SUBCASE("a number") { answer = ":7\r\n"; }
    SUBCASE("one field") { answer = "*1\r\n$-1\r\n"; }
    SUBCASE("a number that is none") { answer = "*x\r\n"; }
    SUBCASE("a negative length") { answer = "$-7\r\n"; }
    SUBCASE("a list of a thousand million") { answer = "*1000000000\r\n"; }
    SUBCASE("lists in lists in lists") {
        for (int i = 0; i < 20; ++i) answer += "*1\r\n";
    }
    SUBCASE("an unknown error") { answer = "-JWS. what is this\r\n"; }
    SUBCASE("more than a session can be") {
        answer = "*2\r\n" + bulk("1") + "$4000000\r\n" + std::string(3'000'000, 'x');
        expected = Errc::storage_damaged;
    }
    int loads = 0;
    ScriptedServer server([&](ScriptedPeer& peer, int) {
        while (!readLoad(peer).empty()) peer.write(loads++ == 0 ? answer : noRecord);
    });
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), urlOf(server));
    CHECK(failureOf(io, storage.load("a")).code == expected);
    CHECK_FALSE(runOn(io, storage.load("a")));
}

TEST_CASE("redis, strange servers: answers that nobody asked for end the connection, not the program") {
    bool atOnce = true;
    SUBCASE("with the answer") {}
    SUBCASE("later") { atOnce = false; }
    std::promise<void> answered;
    std::promise<void> said;
    ScriptedServer server([&](ScriptedPeer& peer, int number) {
        readLoad(peer);
        peer.write(noRecord + (atOnce ? "+OK\r\n" : ""));
        if (number == 0 && !atOnce) {
            answered.get_future().wait();
            peer.write("+OK\r\n");
            said.set_value();
        }
        if (number == 0) peer.waitForEnd();
    });
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), urlOf(server));
    CHECK_FALSE(runOn(io, storage.load("a")));
    if (!atOnce) {
        answered.set_value();
        said.get_future().wait();
    }
    CHECK_FALSE(runOn(io, storage.load("a")));
    CHECK(eventually([&] { return server.connections() == 2; }));
}

TEST_CASE("redis, strange servers: one bad answer does not fail the others in line") {
    ScriptedServer server([&](ScriptedPeer& peer, int number) {
        readLoad(peer);
        readLoad(peer);
        if (number == 0)
            peer.write("nonsense\r\n");
        else
            peer.write(noRecord + noRecord);
        peer.waitForEnd();
    });
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), urlOf(server));
    std::optional<result<std::optional<StoredTokens>>> outcomes[3];
    for (auto& outcome : outcomes)
        asio::co_spawn(io, asResult(storage.load("a")),
                       [&outcome](std::exception_ptr, auto got) { outcome.emplace(std::move(got)); });
    io.run();
    CHECK(outcomes[0]->has_error());
    CHECK(outcomes[1]->has_value());
    CHECK(outcomes[2]->has_value());
}

TEST_CASE("redis, strange servers: a load is sent once more after its answer was lost, and not a third time") {
    bool always = false;
    SUBCASE("then it is answered") {}
    SUBCASE("lost again") { always = true; }
    ScriptedServer server([&](ScriptedPeer& peer, int number) {
        readLoad(peer);
        if (number == 0 || always) return;
        peer.write(noRecord);
        peer.waitForEnd();
    });
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), urlOf(server));
    const auto outcome = runOn(io, asResult(storage.load("a")));
    CHECK(outcome.has_value() == !always);
    if (always) CHECK(says(outcome.error(), "the connection was closed"));
    CHECK(eventually([&] { return server.connections() == 2; }));
}

TEST_CASE("redis, strange servers: one that is no primary any more is left, since the name may lead to the new one") {
    ScriptedServer server([&](ScriptedPeer& peer, int number) {
        while (!readLoad(peer).empty()) peer.write(number == 0 ? "-READONLY You can't write here\r\n" : noRecord);
    });
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), urlOf(server));
    CHECK(says(failureOf(io, storage.load("a")), "READONLY, it is a replica"));
    CHECK_FALSE(runOn(io, storage.load("a")));
}

TEST_CASE("redis, strange servers: a save whose answer was lost is done when it finds its own record") {
    const Tokens tokens = tokensOf("1");
    const std::string json = boost::json::serialize(toJson(tokens));
    bool ours = true;
    SUBCASE("its own") {}
    SUBCASE("of somebody else") { ours = false; }
    const std::string present = ours ? json : boost::json::serialize(toJson(tokensOf("2")));
    ScriptedServer server([&](ScriptedPeer& peer, int number) {
        peer.readUntil(json);
        if (number == 0) return;
        peer.write("*3\r\n" + bulk("conflict") + bulk("17") + bulk(present));
        peer.waitForEnd();
    });
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), urlOf(server));
    const SaveResult saved = runOn(io, storage.save("a", tokens, 0));
    CHECK(saved.isSaved() == ours);
    CHECK(saved.version() == 17);
}

TEST_CASE("redis, strange servers: a lease is asked for again in the same name, an erase is not") {
    std::promise<std::string> asked[2];
    ScriptedServer server([&](ScriptedPeer& peer, int number) {
        if (number < 2) asked[number].set_value(peer.readUntil("\r\n$5\r\n60000\r\n"));
        if (number == 2) peer.readUntil("86400");
    });
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), urlOf(server));
    CHECK(failureOf(io, storage.acquireLease("a", 60s)).code == Errc::storage_unavailable);
    REQUIRE(eventually([&] { return server.connections() == 2; }));
    const std::string first = asked[0].get_future().get();
    CHECK(first.find("wix:session:{a}:lease") != std::string::npos);
    CHECK(first == asked[1].get_future().get());
    CHECK(failureOf(io, storage.erase("a")).code == Errc::storage_unavailable);
    CHECK(eventually([&] { return server.connections() == 3; }));
}

TEST_CASE("redis, strange servers: writing to a connection that is gone raises no SIGPIPE") {
    std::promise<void> over;
    ScriptedServer server([&](ScriptedPeer& peer, int) {
        readLoad(peer);
        peer.write(noRecord);
        over.get_future().wait();
    });
    const auto before = std::signal(SIGPIPE, SIG_DFL);
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), urlOf(server));
    CHECK_FALSE(runOn(io, storage.load("a")));
    const int descriptor = descriptorTo(server.port());
    REQUIRE(descriptor >= 0);
    ::shutdown(descriptor, SHUT_WR);  // to write(2) it looks as if the other side had gone
    CHECK(says(failureOf(io, storage.erase("a")), "Broken pipe"));
    over.set_value();
    std::signal(SIGPIPE, before);
}
