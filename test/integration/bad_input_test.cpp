// What a caller may get wrong: told before anything is sent, with what is wrong and without what was written.
#include "integration/failures.hpp"
#include "support/held.hpp"

#include <functional>
#include <vector>

using namespace wix;
using namespace wix::test;
using namespace std::string_literals;
namespace asio = boost::asio;

namespace {

Failure refusalOfClient(const std::string& id, const std::function<void(ClientOptions&)>& change) {
    asio::io_context io;
    ClientOptions options;
    change(options);
    return refusalOf([&] { Client(io.get_executor(), OAuthStrategy(id), options); });
}

}  // namespace

TEST_CASE("malformed options are refused at construction, by name") {
    for (const std::string& id : {""s, "a b"s, "id\r\n"s, "id\0"s, std::string(300, 'a')}) {
        CAPTURE(id);
        const Failure failure = refusalOfClient(id, [](ClientOptions&) {});
        CHECK(failure.code == Errc::invalid_argument);
        CHECK(has(failure.context, "OAuthStrategy::clientId must be the client id"));
    }
    for (const std::string& url : {""s,
                                   "wixapis"s,
                                   "www.wixapis.com"s,
                                   "/"s,
                                   "https://"s,
                                   "https:///x"s,
                                   "https://:443"s,
                                   "ftp://localhost"s,
                                   "https://localhost:0"s,
                                   "https://localhost:99999"s,
                                   "https://localhost:x"s,
                                   "https://local host"s,
                                   "https://localhost/?q=1"s,
                                   "https://localhost/#f"s,
                                   "https://localhost\r\nX: y"s,
                                   "https://local\\host"s,
                                   "https://me:SECRET@localhost"s,
                                   "https://l\xC3\xB6"
                                   "calhost"s,
                                   "https://127.1"s,
                                   "https://[::1"s,
                                   "http://localhost"s,
                                   "http://127.0.0.1:80"s,
                                   "http://www.wixapis.com"s}) {
        CAPTURE(url);
        const Failure api = refusalOfClient(clientId, [&](ClientOptions& options) { options.apiUrl = url; });
        CHECK(api.code == Errc::invalid_argument);
        CHECK(has(api.context, "ClientOptions::apiUrl"));
        CHECK_FALSE(has(api.context, "SECRET"));
        const Failure edge = refusalOfClient(clientId, [&](ClientOptions& options) { options.edgeUrl = url; });
        CHECK(edge.code == Errc::invalid_argument);
        CHECK(has(edge.context, "ClientOptions::edgeUrl"));
        CHECK_FALSE(has(edge.context, "SECRET"));
    }
    const auto zero = [](ClientOptions& options) { options.timeouts.tls = std::chrono::milliseconds(0); };
    CHECK(has(refusalOfClient(clientId, zero).context, "Timeouts::tls"));
    const auto none = [](ClientOptions& options) { options.transport.maxConnectionsPerOrigin = 0; };
    CHECK(has(refusalOfClient(clientId, none).context, "TransportOptions::maxConnectionsPerOrigin"));
}

TEST_CASE("plain HTTP is for loopback alone, and only if it was asked for") {
    const auto with = [](const std::string& url) {
        return refusalOfClient(clientId,
                               [&](ClientOptions& options) {
                                   options.allowPlainHttpToLoopback = true;
                                   options.apiUrl = url;
                               })
            .code;
    };
    for (const char* url : {"http://localhost", "http://127.0.0.1:8080", "http://127.9.9.9", "http://[::1]:80"}) {
        CAPTURE(url);
        CHECK(with(url) == boost::system::error_code());
    }
    for (const char* url : {"http://www.wixapis.com", "http://localhost.example.com", "http://128.0.0.1",
                            "http://0.0.0.0", "http://[::2]", "http://[::ffff:1.2.3.4]"}) {
        CAPTURE(url);
        CHECK(with(url) == Errc::invalid_argument);
    }
}

TEST_CASE("a target that may not go on the wire makes no connection") {
    const testing::FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    for (const std::string& target : {""s,
                                      "ecom"s,
                                      "?q=SECRET"s,
                                      "//evil.example/x"s,
                                      "///x"s,
                                      "/\\evil.example"s,
                                      "\\\\evil.example"s,
                                      "/a\\b"s,
                                      "/a\r\nX: SECRET"s,
                                      "/a\nb"s,
                                      "/a\tb"s,
                                      "/a b"s,
                                      "/a\0b"s,
                                      "/a\x7F"s,
                                      "/\xC3\xA4"s,
                                      "/a#SECRET"s,
                                      "/a%2"s,
                                      "/a%zz"s,
                                      "/a/../SECRET"s,
                                      "/a/%2e%2e/b"s,
                                      "https://evil.example/x?SECRET"s,
                                      "http://localhost/x"s,
                                      "https://localhost/other-port"s,
                                      "HTTPS://evil.example"s,
                                      "https:/x"s,
                                      "https:x"s,
                                      "mailto:x@y"s,
                                      "@evil.example/"s,
                                      ":80/x"s,
                                      "/<script>"s,
                                      "/\"SECRET\""s,
                                      fake.url() + "@evil.example/"s,
                                      fake.url() + ".evil.example/"s,
                                      fake.url() + "/a#b"s,
                                      fake.url() + "/a b"s}) {
        CAPTURE(target);
        const Failure fetched = failureOf(io, client.fetch(Request("GET", target)));
        CHECK(fetched.code == Errc::invalid_target);
        CHECK_FALSE(has(fetched.context, "SECRET"));
        CHECK_FALSE(fetched.maybeSent);
        CHECK(failureOf(io, client.get(target)).code == Errc::invalid_target);
        CHECK(failureOf(io, client.post(target, object("a", 1))).code == Errc::invalid_target);
    }
    CHECK(fake.state().totalConnections == 0);
}

TEST_CASE("signs that are legal later in a path go out as they are") {
    const testing::FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    for (const std::string& target : {"/a@b:c/d;e=f"s, "/~!$&'()*+,;=:@%20?x=/?:@"s, "/x//y"s}) {
        CAPTURE(target);
        CHECK(runOn(io, client.fetch(Request("GET", target))).status() == 404);
        CHECK(lastRequest(fake, "unknown").target == target);
        CHECK(runOn(io, client.fetch(Request("GET", fake.url() + target))).status() == 404);
        CHECK(lastRequest(fake, "unknown").target == target);
    }
}

TEST_CASE("a header that could break the request is refused, and its value not repeated") {
    const testing::FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    const std::vector<Header> bad = {{"X", "SECRET\r\nY: z"},
                                     {"X", "SECRET\n"},
                                     {"X", "SECRET\r"},
                                     {"X", "SECRET\0x"s},
                                     {"X", "SECRET\x01"},
                                     {"X", "SECRET\xC3\xA4"},
                                     {"X\r\nY", "SECRET"},
                                     {"X\0Y"s, "SECRET"},
                                     {"X Y", "SECRET"},
                                     {"X:", "SECRET"},
                                     {"", "SECRET"},
                                     {"Host", "SECRET"},
                                     {"authorization", "SECRET"},
                                     {"Content-Length", "SECRET"},
                                     {"Transfer-Encoding", "SECRET"},
                                     {"Connection", "SECRET"},
                                     {"x-wix-consistent", "SECRET"}};
    for (const Header& field : bad) {
        CAPTURE(field.first);
        CAPTURE(field.second);
        CallOptions options;
        options.headers.push_back(field);
        for (const Failure& failure :
             {failureOf(io, client.get(cartPath, options)), failureOf(io, client.post(addPath, object(), options)),
              failureOf(io, client.fetch(Request("GET", cartPath).header(field.first, field.second))),
              refusalOfClient(clientId, [&](ClientOptions& all) { all.headers.push_back(field); })}) {
            CHECK(failure.code == Errc::invalid_header);
            CHECK_FALSE(has(failure.context, "SECRET"));
            CHECK_FALSE(has(Error(failure).what(), "SECRET"));
        }
    }
    CHECK(failureOf(io, client.fetch(Request("POST", addPath).body("x", "text/SECRET\r\nX: y"))).code ==
          Errc::invalid_header);
    CHECK(fake.state().totalConnections == 0);
}

TEST_CASE("methods, timeouts and tokens") {
    const testing::FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    for (const std::string& method : {""s, "get"s, "G ET"s, "GET\r\n"s, "CONNECT"s, "TRACE"s, "G\0"s}) {
        CAPTURE(method);
        CHECK(failureOf(io, client.fetch(Request(method, cartPath))).code == Errc::invalid_argument);
    }
    for (const auto timeout : {std::chrono::milliseconds(0), std::chrono::milliseconds(-1),
                               std::chrono::milliseconds::max(), std::chrono::milliseconds::min()}) {
        CAPTURE(timeout.count());
        CallOptions options;
        options.timeout = timeout;
        const Failure failure = failureOf(io, client.get(cartPath, options));
        CHECK(failure.code == Errc::invalid_argument);
        CHECK(has(failure.context, "CallOptions::timeout"));
    }
    for (const std::string& value : {"SECRET\r\nX: y"s, "SEC RET"s, "SECRET\0"s, "SECRET\xC3\xA4"s}) {
        CAPTURE(value);
        const RefreshToken refresh(value, TokenRole::visitor);
        const Tokens tokens(AccessToken(value, std::chrono::sys_seconds()), refresh);
        for (const Failure& failure :
             {failureOf(io, client.setTokens(tokens)), failureOf(io, client.renewToken(refresh)),
              failureOf(io, client.generateVisitorTokens(tokens))}) {
            CHECK(failure.code == Errc::invalid_token);
            CHECK_FALSE(has(failure.context, "SEC"));
        }
        OAuthStrategy strategy(clientId);
        strategy.tokens = tokens;
        CHECK(refusalOf([&] { Client(io.get_executor(), strategy); }).code == Errc::invalid_token);
    }
    CHECK(failureOf(io, client.renewToken(RefreshToken())).code == Errc::no_session);
    CHECK(fake.state().totalConnections == 0);
}
