// Servers that do not want us, or are not there: the error names them and the reason, and never the password.
#include "redis/redis_server.hpp"
#include "support/secrets.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

const std::string secret(plantedSecret);  // runOn() ends the test if an error has it

Failure failureOfCheck(asio::io_context& io, const std::string& url) {
    RedisTokenStorage storage(io.get_executor(), url);
    const Failure failure = failureOf(io, storage.connect());
    CHECK(failure.code == Errc::storage_unavailable);
    CHECK(failureOf(io, storage.load("a")).context == failure.context);
    return failure;
}

}  // namespace

TEST_CASE("redis refusal: a password that is right, wrong, missing or too much") {
    if (noRedis()) return;
    asio::io_context io;
    RedisServer redis({"--requirepass", secret, "--user", "shop", "on", ">" + secret + "/@", "~wix:*", "+@all"});
    for (const std::string& who : {":" + secret, "default:" + secret, "shop:" + secret + "%2F%40"}) {
        RedisTokenStorage storage(io.get_executor(), "redis://" + who + "@" + redis.where());
        runOn(io, storage.connect());
        CHECK(runOn(io, storage.save("a" + std::to_string(who.size()), tokensOf("1"), 0)).isSaved());
    }
    for (const std::string& who : {":" + secret + "x", "shop:" + secret, "nobody:" + secret}) {
        const Failure failure = failureOfCheck(io, "redis://" + who + "@" + redis.where());
        CHECK(says(failure, redis.where() + ": WRONGPASS, it refuses the user or the password"));
    }
    const Failure missing = failureOfCheck(io, redis.url());
    CHECK(says(missing, redis.where() + ": NOAUTH, it wants a password"));
    RedisServer open;
    const Failure tooMuch = failureOfCheck(io, "redis://:" + secret + "@" + open.where());
    CHECK(says(tooMuch, open.where() + ": ERR, it has no password"));
}

TEST_CASE("redis refusal: access rules that forbid what sessions need") {
    if (noRedis()) return;
    asio::io_context io;
    RedisServer redis({"--user", "shop", "on", ">" + secret, "~other:*", "+@all"});
    RedisTokenStorage storage(io.get_executor(), "redis://shop:" + secret + "@" + redis.where());
    CHECK(says(failureOf(io, storage.load("a")), "NOPERM, its access rules"));
    CHECK(says(failureOf(io, storage.save("a", tokensOf("1"), 0)), "NOPERM, its access rules"));
    CHECK(failureOf(io, storage.acquireLease("a", 1s)).code == Errc::storage_unavailable);
}

TEST_CASE("redis refusal: access rules that forbid a part of a save forbid the whole of it") {
    if (noRedis()) return;
    asio::io_context io;
    RedisServer redis;
    RedisOptions options;
    SUBCASE("EXPIRE") {}
    SUBCASE("PERSIST") { options.recordLife = 0s; }
    redis.command({"ACL", "SETUSER", "shop", "on", ">" + secret, "~*", "+@all", "-expire", "-persist"});
    RedisTokenStorage storage(io.get_executor(), "redis://shop:" + secret + "@" + redis.where(), options);
    RedisTokenStorage allowed(io.get_executor(), redis.url(), options);
    const auto refused = [&](std::uint64_t version) {
        return says(failureOf(io, storage.save("a", tokensOf("2"), version)), redis.where());
    };
    CHECK(refused(0));
    CHECK(redis.command({"EXISTS", "wix:session:{a}"}) == "0");
    const std::uint64_t version = runOn(io, allowed.save("a", tokensOf("1"), 0)).version();
    CHECK(refused(version));
    CHECK(runOn(io, storage.load("a"))->version == version);
    CHECK(runOn(io, storage.load("a"))->tokens == tokensOf("1"));
}

TEST_CASE("redis refusal: databases are apart, and there is none of each number") {
    if (noRedis()) return;
    asio::io_context io;
    RedisServer redis;
    RedisTokenStorage fifth(io.get_executor(), redis.url() + "/5");
    CHECK(runOn(io, fifth.save("a", tokensOf("1"), 0)).isSaved());
    RedisTokenStorage first(io.get_executor(), redis.url());
    CHECK_FALSE(runOn(io, first.load("a")));
    CHECK(runOn(io, fifth.load("a")));
    CHECK(says(failureOfCheck(io, redis.url() + "/99"), redis.where() + ": ERR, it has no database of that number"));
}

TEST_CASE("redis refusal: nobody listens, or the host has no address") {
    asio::io_context io;
    const std::string where = "127.0.0.1:" + std::to_string(freePort());
    CHECK(says(failureOfCheck(io, "redis://:" + secret + "@" + where), where + ": connecting: Connection refused"));
    const std::string nobody = "no-such-host.invalid:6379";
    RedisTokenStorage storage(io.get_executor(), "redis://:" + secret + "@" + nobody);
    const Failure failure = failureOf(io, storage.connect());
    CHECK(failure.code == Errc::storage_unavailable);
    CHECK(says(failure, nobody + ": the host name does not resolve"));
}

TEST_CASE("redis refusal: the server has as many connections as it wants") {
    if (noRedis()) return;
    asio::io_context io;
    RedisServer redis({"--maxclients", "1"});
    RedisTokenStorage first(io.get_executor(), redis.url());
    // The one that asked whether the server listens may still be there.
    REQUIRE(eventually([&] { return runOn(io, asResult(first.connect())).has_value(); }));
    RedisTokenStorage second(io.get_executor(), redis.url());
    CHECK(says(failureOf(io, second.connect()), redis.where() + ": ERR, it has as many connections as it allows"));
}

TEST_CASE("redis refusal: a name with several addresses is tried at each of them") {
    if (noRedis()) return;
    asio::io_context io;
    RedisServer redis;  // at 127.0.0.1 only, and localhost is ::1 as well on many machines
    RedisTokenStorage storage(io.get_executor(), "redis://localhost:" + std::to_string(redis.port()));
    runOn(io, storage.connect());
}

TEST_CASE("redis refusal: what cannot work is refused before anything is opened") {
    asio::io_context io;
    const auto refuses = [&](const std::string& url, const RedisOptions& options, const std::string& text) {
        try {
            RedisTokenStorage storage(io.get_executor(), url, options);
        } catch (const Error& error) {
            requireNoSecret(error.failure());
            CHECK(error.code() == Errc::invalid_argument);
            CHECK(says(error.failure(), text));
            return;
        }
        FAIL("it was not refused");
    };
    refuses("redis://:" + secret + "@host:0", RedisOptions(), "has a port");
    RedisOptions options;
    options.connectTimeout = 0ms;
    refuses("redis://host", options, "RedisOptions::connectTimeout");
    options = RedisOptions();
    options.commandTimeout = 2h;
    refuses("redis://host", options, "RedisOptions::commandTimeout");
    options = RedisOptions();
    options.recordLife = -1s;
    refuses("redis://host", options, "RedisOptions::recordLife");
}

TEST_CASE("redis refusal: rediss:// is refused with a reason where hiredis has no TLS") {
    asio::io_context io;
    std::string refused;
    try {
        RedisTokenStorage storage(io.get_executor(), "rediss://:" + secret + "@localhost");
    } catch (const Error& error) {
        requireNoSecret(error.failure());
        CHECK((error.code() == Errc::invalid_argument || error.code() == Errc::certificate_untrusted));
        refused = error.failure().context;
    }
    // With TLS it is accepted, or the system has no certificates.
    if (refused.empty() || says(Failure(Errc::invalid_argument, refused), "caFile")) return;
    CHECK(says(Failure(Errc::invalid_argument, refused), "built with hiredis"));
    CHECK(says(Failure(Errc::invalid_argument, refused), "use redis:// through a TLS tunnel"));
}
