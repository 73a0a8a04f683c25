// Sessions to resume: what is kept, for how long, and what a server may do about them.
#include "http/tls_sessions.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "support/tls_pair.hpp"

using namespace wix;
using namespace wix::test;
using detail::makeTlsContext;
using detail::Origin;
using detail::TlsSessions;
using testing::detail::makeCredentials;

namespace {

const Origin origin(true, "localhost", 443);

/// A client that trusts its server.
struct Setup {
    explicit Setup(int maxVersion) {
        server.maxVersion = maxVersion;
        context = serverContext(server);
    }
    bool connect(const Origin& to = origin) {
        TlsPair pair(*client, *context, to);
        REQUIRE(pair.shake());
        REQUIRE(pair.answer());
        return pair.resumed();
    }
    ServerSetup server = ServerSetup(makeCredentials(testing::Certificate::valid));
    std::shared_ptr<boost::asio::ssl::context> context;
    detail::TlsContextPtr client = [this] {
        TlsOptions options;
        options.caPem = server.credentials.caCertificate;
        return *makeTlsContext(options);
    }();
};

/// A session that some connection of that version has made.
std::shared_ptr<SSL_SESSION> someSession(int version) {
    const Setup setup(version);
    SSL_CTX* native = setup.client->native().native_handle();
    static SSL_SESSION* made = nullptr;
    SSL_CTX_sess_set_new_cb(native, [](SSL*, SSL_SESSION* session) {
        SSL_SESSION_free(std::exchange(made, session));
        return 1;
    });
    TlsPair pair(*setup.client, *setup.context, origin);
    REQUIRE(pair.shake());
    REQUIRE(pair.answer());
    REQUIRE(made);
    return std::shared_ptr<SSL_SESSION>(std::exchange(made, nullptr), SSL_SESSION_free);
}

}  // namespace

TEST_CASE("a session is resumed, by the origin that made it and by no other") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        Setup setup(version);
        CHECK_FALSE(setup.connect());
        CHECK_FALSE(setup.connect(Origin(true, "localhost", 8443)));
        CHECK_FALSE(setup.connect(Origin(true, "127.0.0.1", 443)));
        CHECK(setup.client->resumedHandshakes() == 0);
        for (int i = 0; i < 20; ++i) CHECK(setup.connect());
        CHECK(setup.connect(Origin(true, "127.0.0.1", 443)));
        CHECK(setup.client->resumedHandshakes() == 21);
    }
}

TEST_CASE("a session outlives the connections that made it, however these end") {
    Setup setup(TLS1_2_VERSION);
    {
        TlsPair cut(*setup.client, *setup.context, origin);
        CHECK(cut.shake());  // no shutdown, and the server says nothing
    }
    CHECK(setup.connect());
}

TEST_CASE("a server with new ticket keys gets a full handshake, and its session is resumed next [59]") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        Setup setup(version);
        setup.connect();
        CHECK(setup.connect());
        setup.context = serverContext(setup.server);
        CHECK_FALSE(setup.connect());
        CHECK(setup.connect());
    }
}

TEST_CASE("a server with another certificate and new ticket keys is verified anew [57]") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        Setup setup(version);
        setup.connect();
        setup.server.credentials = makeCredentials(testing::Certificate::valid);
        setup.context = serverContext(setup.server);
        TlsPair pair(*setup.client, *setup.context, origin);
        CHECK_FALSE(pair.shake());
        CHECK(pair.failure().code == Errc::certificate_untrusted);
    }
}

TEST_CASE("a handshake that fails forgets the sessions of its origin, whatever failed") {
    Setup setup(TLS1_2_VERSION);
    setup.connect();
    setup.connect(Origin(true, "127.0.0.1", 443));
    TlsPair broken(*setup.client, *setup.context, origin);
    CHECK(broken.failure().code == Errc::connection_lost);
    CHECK_FALSE(setup.connect());
    CHECK(setup.connect(Origin(true, "127.0.0.1", 443)));
}

TEST_CASE("TLS 1.3 sessions are given once, the youngest first; those of TLS 1.2 again and again") {
    const auto old = someSession(TLS1_3_VERSION), young = someSession(TLS1_3_VERSION);
    const auto again = someSession(TLS1_2_VERSION);
    const std::time_t now = std::time(nullptr);
    const auto isCopyOf = [](const detail::TlsSessionPtr& copy, const std::shared_ptr<SSL_SESSION>& session) {
        unsigned char one[64], other[64];
        const std::size_t size = SSL_SESSION_get_master_key(copy.get(), one, sizeof one);
        REQUIRE(size > 0);
        REQUIRE(copy.get() != session.get());
        return SSL_SESSION_get_master_key(session.get(), other, sizeof other) == size &&
               std::equal(one, one + size, other);
    };
    TlsSessions sessions;
    sessions.put("a", old.get());
    sessions.put("a", young.get());
    sessions.put("b", again.get());
    CHECK(isCopyOf(sessions.take("a", now), young));
    CHECK(isCopyOf(sessions.take("a", now), old));
    CHECK_FALSE(sessions.take("a", now));
    for (int i = 0; i < 3; ++i) CHECK(isCopyOf(sessions.take("b", now), again));
    CHECK(sessions.size() == 1);
    sessions.forget("b");
    CHECK_FALSE(sessions.take("b", now));
    CHECK(sessions.size() == 0);
}

TEST_CASE("a session is not offered after its lifetime, after an hour, and with a certificate that has expired") {
    const auto session = someSession(TLS1_3_VERSION);
    const auto since = detail::sessionTime(session.get());
    TlsSessions sessions;
    const auto givenAfter = [&](long lifetime, std::time_t seconds) {
        SSL_SESSION_set_timeout(session.get(), lifetime);
        sessions.put("a", session.get());
        const bool given = sessions.take("a", since + seconds) != nullptr;
        sessions.forget("a");
        return given;
    };
    CHECK(givenAfter(300, 0));
    CHECK(givenAfter(300, 299));
    CHECK_FALSE(givenAfter(300, 300));
    CHECK_FALSE(givenAfter(300, -1));  // the clock was set back: its age is unknown
    CHECK(givenAfter(604'800, 3599));
    CHECK_FALSE(givenAfter(604'800, 3600));

    // Whatever the clock says about its age: the certificate ends within a day.
    const auto later = static_cast<std::time_t>(since) + 2 * 86'400;
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
    SSL_SESSION_set_time_ex(session.get(), later);
#else
    SSL_SESSION_set_time(session.get(), static_cast<long>(later));
#endif
    CHECK_FALSE(givenAfter(300, 2 * 86'400 + 1));
}

TEST_CASE("the number of sessions has a bound for each origin, and the number of origins has one") {
    const auto session = someSession(TLS1_2_VERSION);
    const std::time_t now = std::time(nullptr);
    TlsSessions sessions;
    for (std::size_t i = 0; i < 3 * TlsSessions::mostPerOrigin; ++i) sessions.put("often", session.get());
    CHECK(sessions.size() == TlsSessions::mostPerOrigin);
    sessions.forget("often");
    for (std::size_t i = 0; i < TlsSessions::mostOrigins; ++i) sessions.put(std::to_string(i), session.get());
    sessions.put("0", session.get());    // now "1" is the oldest
    sessions.put("new", session.get());  // and has to go
    CHECK(sessions.take("0", now));
    CHECK_FALSE(sessions.take("1", now));
    CHECK(sessions.take("2", now));
    CHECK(sessions.take("new", now));
}

TEST_CASE("connections of many threads share the sessions of one context") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        Setup setup(version);
        setup.connect();
        std::atomic<int> answered = 0;
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (int j = 0; j < 25; ++j) {
                    TlsPair pair(*setup.client, *setup.context, origin);
                    if (pair.shake() && pair.answer()) ++answered;
                }
            });
        threads.clear();
        CHECK(answered == 100);
        CHECK(setup.client->resumedHandshakes() > 50);
    }
}
