// Redis over TLS: rediss://. Skipped where wix::redis was built without hiredis_ssl.
#include "redis/tls_redis.hpp"
#include "support/scripted_server.hpp"
#include "support/secrets.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

using testing::Certificate;

const std::string secret(plantedSecret);  // runOn() ends the test if an error has it

Failure refusal(TlsRedis& redis, const RedisOptions& options, const std::string& url) {
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), url, options);
    Failure failure = failureOf(io, storage.connect());
    CHECK(failure.code == Errc::storage_unavailable);
    CHECK_MESSAGE(says(failure, "Redis at "), failure.context);
    CHECK(failureOf(io, storage.load("a")).context == failure.context);
    // Only the commands of the test have arrived: no AUTH, and no PING.
    CHECK(redis.plain->command({"INFO", "commandstats"}).find("cmdstat_") == std::string::npos);
    return failure;
}

}  // namespace

TEST_CASE("redis tls: sessions of any size and leases, with a password and a database") {
    if (noRedisTls()) return;
    TlsRedis redis({"--tls-auth-clients", "no", "--user", "shop", "on", ">" + secret, "~wix:*", "+@all"});
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url("shop:" + secret + "@") + "/3", redis.options());
    runOn(io, storage.connect());
    const Tokens large = tokensOf(std::string(60'000, 'x'));  // several TLS records
    CHECK(runOn(io, storage.save("a", large, 0)).isSaved());
    CHECK(runOn(io, storage.load("a"))->tokens == large);
    CHECK_FALSE(runOn(io, storage.load("b")));
    std::optional<RenewalLease> lease = runOn(io, storage.acquireLease("a", 1min));
    CHECK(lease);
    CHECK_FALSE(runOn(io, storage.acquireLease("a", 1min)));
    lease.reset();
    CHECK(runOn(io, storage.acquireLease("a", 1min)));
    runOn(io, storage.erase("a"));
    CHECK(runOn(io, storage.load("a"))->tokens.refreshToken.value.empty());
    const Failure wrong = [&] {
        RedisTokenStorage other(io.get_executor(), redis.url("shop:" + secret + "x@"), redis.options());
        return failureOf(io, other.connect());
    }();
    CHECK(says(wrong, "WRONGPASS"));
}

TEST_CASE("redis tls: an idle connection is used again, and keeps no work outstanding") {
    if (noRedisTls()) return;
    TlsRedis redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url(), redis.options());
    runOn(io, storage.connect());
    const int descriptor = descriptorTo(redis.port());
    REQUIRE(descriptor >= 0);
    for (int i = 0; i < 5; ++i) {
        io.restart();
        io.run();  // returns although the connection is open
        CHECK_FALSE(runOn(io, storage.load("a")));
        CHECK(descriptorTo(redis.port()) == descriptor);
    }
}

TEST_CASE("redis tls: a server that was restarted is connected to again") {
    if (noRedisTls()) return;
    TlsRedis redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url(), redis.options());
    CHECK(runOn(io, storage.save("a", tokensOf("1"), 0)).isSaved());
    redis.plain->restart();
    CHECK_FALSE(runOn(io, storage.load("a")));
    CHECK(runOn(io, storage.save("a", tokensOf("2"), 0)).isSaved());
    redis.plain->kill();
    const Failure failure = failureOf(io, storage.load("a"));
    CHECK(failure.code == Errc::storage_unavailable);
    CHECK(says(failure, redis.where()));
}

TEST_CASE("redis tls: a certificate that cannot be trusted is refused before anything is sent") {
    if (noRedisTls()) return;
    SUBCASE("of an authority that is not trusted") {
        TlsRedis redis;
        TlsRedis other;
        const Failure failure = refusal(redis, other.options(), redis.url(":" + secret + "@"));
        CHECK_MESSAGE(says(failure, "set RedisOptions::tls.caFile to the certificates of its authority"),
                      failure.context);
    }
    SUBCASE("for another host") {
        TlsRedis redis({"--tls-auth-clients", "no"}, Certificate::wrongHost);
        const Failure failure = refusal(redis, redis.options(), redis.url(":" + secret + "@"));
        CHECK_MESSAGE(says(failure, "the certificate is not for localhost"), failure.context);
    }
    SUBCASE("for another address") {
        TlsRedis redis({"--tls-auth-clients", "no"}, Certificate::wrongHost);
        const std::string url = "rediss://:" + secret + "@127.0.0.1:" + std::to_string(redis.port());
        CHECK(says(refusal(redis, redis.options(), url), "the certificate is not for 127.0.0.1"));
    }
    SUBCASE("expired") {
        TlsRedis redis({"--tls-auth-clients", "no"}, Certificate::expired);
        const Failure failure = refusal(redis, redis.options(), redis.url(":" + secret + "@"));
        CHECK_MESSAGE(says(failure, "the TLS handshake failed (certificate has expired)"), failure.context);
    }
    SUBCASE("not pinned") {
        TlsRedis redis;
        RedisOptions options = redis.options();
        options.tls.pins = {"sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
        CHECK(says(refusal(redis, options, redis.url(":" + secret + "@")), "RedisOptions::tls.pins"));
    }
}

TEST_CASE("redis tls: an address in the URL is verified against the addresses of the certificate") {
    if (noRedisTls()) return;
    TlsRedis redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), "rediss://127.0.0.1:" + std::to_string(redis.port()), redis.options());
    runOn(io, storage.connect());
}

TEST_CASE("redis tls: a server that requires a client certificate gets it, or the error says so") {
    if (noRedisTls()) return;
    TlsRedis redis({"--tls-auth-clients", "yes"});
    SUBCASE("without one") {
        asio::io_context io;
        RedisTokenStorage storage(io.get_executor(), redis.url(), redis.options());
        const Failure failure = failureOf(io, storage.connect());
        CHECK(failure.code == Errc::storage_unavailable);
        CHECK_MESSAGE(says(failure, "RedisOptions::tls.clientCertificateFile"), failure.context);
    }
    SUBCASE("with one") {
        RedisOptions options = redis.options();
        options.tls.clientCertificateFile = redis.path("client.pem");
        options.tls.clientKeyFile = redis.path("client.key");
        asio::io_context io;
        RedisTokenStorage storage(io.get_executor(), redis.url(), options);
        runOn(io, storage.connect());
    }
}

TEST_CASE("redis tls: a server that speaks older TLS only is refused") {
    if (noRedisTls()) return;
    TlsRedis redis({"--tls-auth-clients", "no", "--tls-protocols", "TLSv1.2"});
    RedisOptions options = redis.options();
    asio::io_context io;
    RedisTokenStorage allowed(io.get_executor(), redis.url(), options);
    runOn(io, allowed.connect());
    options.tls.minVersion = TlsVersion::tls1_3;
    RedisTokenStorage storage(io.get_executor(), redis.url(), options);
    const Failure failure = failureOf(io, storage.connect());
    CHECK_MESSAGE(says(failure, "RedisOptions::tls.minVersion"), failure.context);
}

TEST_CASE("redis tls: one side speaks TLS and the other does not: the error says which") {
    if (noRedisTls()) return;
    asio::io_context io;
    SUBCASE("redis:// at a TLS port") {
        TlsRedis redis;
        RedisTokenStorage storage(io.get_executor(), "redis://" + redis.where());
        const Failure failure = failureOf(io, storage.connect());
        CHECK_MESSAGE(says(failure, "the URL must begin with rediss://"), failure.context);
    }
    SUBCASE("redis:// with a password at a TLS port") {
        TlsRedis redis;
        RedisTokenStorage storage(io.get_executor(), "redis://:" + secret + "@" + redis.where());
        const Failure failure = failureOf(io, storage.connect());
        CHECK_MESSAGE(says(failure, "the URL must begin with rediss://"), failure.context);
    }
    SUBCASE("rediss:// at a port without TLS") {
        ScriptedServer server([](ScriptedPeer& peer, int) {
            peer.write("-ERR Protocol error: invalid multibulk length\r\n");
            peer.waitForEnd();
        });
        const TlsRedis files;
        RedisTokenStorage storage(io.get_executor(), "rediss://localhost:" + std::to_string(server.port()),
                                  files.options());
        const Failure failure = failureOf(io, storage.connect());
        CHECK_MESSAGE(says(failure, "the server does not speak TLS at this port"), failure.context);
    }
    SUBCASE("options for TLS with redis://") {
        RedisOptions options;
        options.tls.caPem = "x";
        CHECK_THROWS_WITH_AS(RedisTokenStorage(io.get_executor(), "redis://localhost", options),
                             doctest::Contains("RedisOptions::tls is set"), Error);
    }
}

TEST_CASE("redis tls: a handshake that does not end is ended by the timeout for connecting") {
    if (noRedisTls()) return;
    bool closes = false;
    std::string expected = "no TLS handshake within 300 ms; does the server speak TLS at this port?";
    SUBCASE("the server is silent") {}
    SUBCASE("the server closes") {
        closes = true;
        expected = "connecting: ";
    }
    ScriptedServer server([&](ScriptedPeer& peer, int) {
        if (closes) return;
        peer.waitForEnd();
    });
    const TlsRedis files;
    RedisOptions options = files.options();
    options.connectTimeout = 300ms;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), "rediss://127.0.0.1:" + std::to_string(server.port()), options);
    const Failure failure = failureOf(io, storage.connect());
    CHECK(failure.code == Errc::storage_unavailable);
    CHECK_MESSAGE(says(failure, expected), failure.context);
}

TEST_CASE("redis tls: files that cannot be read are named when the storage is made") {
    if (noRedisTls()) return;
    asio::io_context io;
    RedisOptions options;
    options.tls.caFile = "/no/such/file.pem";
    CHECK_THROWS_WITH_AS(RedisTokenStorage(io.get_executor(), "rediss://localhost", options),
                         doctest::Contains("/no/such/file.pem"), Error);
}
