// Secrets stay where they were put. Each kind of secret is planted, every class of failure is driven, and all that the SDK
// says of it (texts of exceptions, failures, events, the standard streams) is searched.
#include "integration/secret_listener.hpp"

#include <boost/json/serialize.hpp>

#include <vector>

#include "storage/temp_directory.hpp"
#include "support/scripted_server.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;
using detail::test::TempDirectory;
using testing::FakeWix;

namespace {

const std::string secret = planted;

std::string json(const std::string& text) { return answer(text, "Content-Type: application/json\r\n"); }

/// Answers of a server that repeats what it was sent, or that is out of its mind.
std::vector<std::string> brokenAnswers() {
    const std::string ok = "HTTP/1.1 200 OK\r\n", chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
    return {secret,
            "HTTP/1.1 " + secret,
            "HTTP/1.1 200 " + secret + "\r\nContent-Length: 5\r\n\r\na",
            ok + secret + "\r\n\r\n",
            ok + "X: " + secret + "\r\n folded\r\n\r\n",
            ok + "Content-Length: " + secret + "\r\n\r\n",
            ok + "Transfer-Encoding: " + secret + "\r\n\r\n",
            ok + "Content-Encoding: " + secret + "\r\nContent-Length: 1\r\n\r\na",
            ok + "Content-Encoding: gzip\r\nContent-Length: " + std::to_string(secret.size()) + "\r\n\r\n" + secret,
            chunked + secret,
            chunked + "3;a=\"" + secret + "\r\nabc\r\n",
            chunked + "1\r\na" + secret,
            chunked + "1\r\na\r\n0\r\n" + secret + "\r\n\r\n",
            answer(secret),
            json("{\"" + secret + "\": " + secret + "}")};
}

}  // namespace

TEST_CASE("secrets: the listener hears them where they are said") {
    Listener listener;
    CHECK_FALSE(has(listener.text(), secret));
    std::clog << secret;
    CHECK(has(listener.text(), secret));
    Listener again;
    again.hear(Failure(Errc::timeout, secret));
    CHECK(again.heard(Errc::timeout));
    CHECK(has(again.text(), secret));
}

TEST_CASE("secrets: the network and TLS") {
    Listener listener;
    {
        ClientOptions options;
        options.apiUrl = "https://no-such-host.invalid";
        options.retry.maxAttempts = 1;
        options.timeouts.resolve = std::chrono::seconds(1);
        Carrier unknown(listener, options);
        unknown.call();
        unknown.renew();
        options.apiUrl = "https://127.0.0.1:" + std::to_string(SilentListener().port());
        Carrier refused(listener, options);
        refused.call();
        refused.renew();
    }
    for (const auto certificate : {testing::Certificate::wrongHost, testing::Certificate::expired}) {
        testing::FakeWixOptions showing;
        showing.certificate = certificate;
        const FakeWix fake(showing);
        Carrier carrier(fake, listener);
        carrier.call();
        carrier.renew();
    }
    const FakeWix fake, other;
    ClientOptions strange = optionsFor(fake);
    strange.transport.tls.caPem = other.caPem();
    Carrier(listener, strange).call();
    // On a machine whose resolver does not answer, its deadline passes instead.
    CHECK((listener.heard(Errc::name_not_found) || listener.heard(Errc::timeout)));
    CHECK(listener.heard(Errc::connection_refused));
    CHECK(listener.heard(Errc::certificate_untrusted));
    CHECK(listener.heard(Errc::certificate_expired));
    CHECK(listener.heard(Errc::certificate_wrong_host));
    CHECK_FALSE(has(listener.text(), secret));
}

TEST_CASE("secrets: a proxy and its password") {
    Listener listener;
    const FakeWix fake;
    for (const std::string& says : {"HTTP/1.1 407 " + secret + "\r\nContent-Length: 0\r\n\r\n",
                                    "HTTP/1.1 502 X\r\n" + secret, secret, std::string()}) {
        ScriptedServer proxy([&](ScriptedPeer& peer, int) {
            peer.readHead();
            peer.write(says);
        });
        ClientOptions options = optionsFor(fake);
        options.transport.proxy.host = "127.0.0.1";
        options.transport.proxy.port = proxy.port();
        options.transport.proxy.username = "user";
        options.transport.proxy.password = secret;
        Carrier carrier(listener, options);
        carrier.call();
        carrier.renew();
    }
    CHECK(listener.heard(Errc::proxy_authentication_required));
    CHECK(listener.heard(Errc::proxy_failed));
    CHECK_FALSE(has(listener.text(), secret));
}

TEST_CASE("secrets: answers that break, to calls and to token requests") {
    Listener listener;
    FakeWix fake;
    for (const std::string& bytes : brokenAnswers()) {
        CAPTURE(bytes);
        fake.clearFaults();
        Carrier carrier(fake, listener);
        for (const char* endpoint : {"cart", "cart", "cart", "graphql", "token"}) fake.answerRaw(endpoint, bytes, true);
        carrier.call();
        carrier.renew();
        CHECK_FALSE(has(listener.text(), secret));
    }
    for (const auto cut : {testing::CutPoint::beforeRequest, testing::CutPoint::afterRequest,
                           testing::CutPoint::afterHeaders, testing::CutPoint::midBody}) {
        fake.clearFaults();
        Carrier carrier(fake, listener);
        fake.cutNext("*", 20, cut);
        carrier.call();
        carrier.renew();
    }
    CHECK(listener.heard(Errc::response_invalid));
    CHECK(listener.heard(Errc::response_truncated));
    CHECK(listener.heard(Errc::response_not_json));
    CHECK(listener.heard(Errc::maybe_sent));
    CHECK_FALSE(has(listener.text(), secret));
}

TEST_CASE("secrets: HTTP errors, and what an endpoint says about tokens") {
    Listener listener;
    const std::string said[] = {
        "<html>" + secret + "</html>",
        secret,
        "{\"" + secret,
        "{\"error\":\"" + secret + "\"}",
        "{\"error\":\"invalid_grant\",\"error_description\":\"" + secret + "\"}",
        "{\"error\":\"invalid_client\",\"error_description\":\"" + secret + "\"}",
        "{\"errorCode\":\"" + secret + "\",\"errorDescription\":\"" + secret + "\"}",
        "{\"message\":\"appRuntimeKeys " + secret + "\",\"details\":{}}",
        "{\"message\":\"" + secret + "\",\"details\":{\"applicationError\":{\"code\":\"" + secret + "\"}}}",
        "{\"details\":{\"validationError\":{\"fieldViolations\":[{\"field\":\"" + secret + "\"}]}}}",
        "{\"access_token\":\"" + secret + "\",\"access_token\":\"x\"}",
        "{\"access_token\":\"" + secret + " \\r\\n\"}",
        "{\"access_token\":{\"" + secret + "\":1}}"};
    FakeWix fake;
    for (const std::string& body : said)
        for (const int status : {200, 302, 400, 401, 403, 404, 429, 500, 503}) {
            CAPTURE(body);
            CAPTURE(status);
            fake.clearFaults();
            Carrier carrier(fake, listener);
            fake.failNext("token", 4,
                          testing::ScriptedReply(status, body, {{"Retry-After", secret}, {"Date", secret}}));
            carrier.renew();
            listener.hear([&] {
                runOn(carrier.io,
                      carrier.client->setTokens(Carrier::tokens(-std::chrono::hours(1), TokenRole::member)));
            });
            listener.hear([&] { runOn(carrier.io, carrier.client->get(cartPath)); });
            CHECK_FALSE(has(listener.text(), secret));
        }
    fake.clearFaults();
    {
        Carrier carrier(fake, listener);  // with Retry-After it would be no rejection
        fake.failNext(
            "token", 1,
            testing::ScriptedReply(400, "{\"error\":\"invalid_grant\",\"error_description\":\"" + secret + "\"}",
                                   {{"Date", secret}}));
        listener.hear([&] {
            runOn(carrier.io, carrier.client->setTokens(Carrier::tokens(-std::chrono::hours(1), TokenRole::member)));
        });
        listener.hear([&] { runOn(carrier.io, carrier.client->get(cartPath)); });
    }
    CHECK(listener.heard(Errc::token_unavailable));
    CHECK(listener.heard(Errc::misconfigured));
    CHECK(listener.heard(Errc::session_expired));

    // Of an API Wix's own words are shown; of a page, of headers and of the request nothing is.
    for (const int status : {301, 400, 403, 404, 409, 500}) {
        fake.clearFaults();
        Carrier carrier(fake, listener);
        for (const char* endpoint : {"cart", "graphql"})
            fake.failNext(endpoint, 12,
                          testing::ScriptedReply(status, "<html>" + secret + "</html>",
                                                 {{"Location", secret}, {"Set-Cookie", secret}}));
        carrier.call();
    }
    CHECK(listener.heard(Errc::api_error));
    CHECK_FALSE(has(listener.text(), secret));
}

TEST_CASE("secrets: stored sessions") {
    Listener listener;
    const TempDirectory folder;
    const FakeWix fake;
    const std::string record = boost::json::serialize(toJson(Carrier::tokens(std::chrono::hours(2))));
    const std::string damaged[] = {
        secret,
        record.substr(0, record.size() / 2),
        "[\"" + secret + "\"]",
        record + secret,
        "{\"accessToken\":\"" + secret + "\"}",
        "{\"accessToken\":{\"value\":\"" + secret + "\",\"expiresAt\":\"" + secret + "\"},\"refreshToken\":{}}",
        "{\"accessToken\":{\"value\":\"\",\"expiresAt\":0},\"refreshToken\":{\"value\":\"" + secret + "\",\"role\":\"" +
            secret + "\"}}",
        "{\"accessToken\":{\"value\":\"a b\",\"expiresAt\":0},\"refreshToken\":{\"value\":\"" + secret +
            " x\",\"role\":\"visitor\"}}",
        record.substr(0, record.size() - 1) + ",\"wix\":{\"key\":\"" + secret + "\",\"version\":1}}",
        record.substr(0, record.size() - 1) + ",\"wix\":{\"key\":\"" + clientId + "\",\"version\":\"" + secret +
            "\"}}"};
    for (const std::string& text : damaged) {
        CAPTURE(text);
        detail::test::put(folder / "session.json", text);
        asio::io_context io;
        const Client client = clientOf(io, fake, std::make_shared<FileTokenStorage>(folder / "session.json"));
        listener.hear([&] { runOn(io, client.generateVisitorTokens()); });
        listener.hear([&] { runOn(io, client.getTokens()); });
        listener.hear([&] { runOn(io, client.setTokens(Carrier::tokens(std::chrono::hours(1)))); });
        listener.hear([&] { runOn(io, client.close()); });
        CHECK_FALSE(has(listener.text(), secret));
    }
    asio::io_context io;
    const Client homeless = clientOf(io, fake, std::make_shared<FileTokenStorage>(folder / "none" / "session.json"));
    listener.hear([&] { runOn(io, homeless.setTokens(Carrier::tokens(std::chrono::hours(1)))); });
    CHECK(listener.heard(Errc::storage_damaged));
    CHECK(listener.heard(Errc::storage_refused));
    CHECK(listener.heard(Errc::storage_unavailable));
    CHECK_FALSE(has(listener.text(), secret));
}

TEST_CASE("secrets: what is refused before anything is sent") {
    Listener listener;
    const FakeWix fake;
    Carrier carrier(fake, listener);
    const auto option = [&](auto change) {
        listener.hear([&] {
            ClientOptions options = optionsFor(fake);
            change(options);
            Client(carrier.io.get_executor(), OAuthStrategy(clientId), options);
        });
    };
    for (const std::string& url :
         {"https://me:" + secret + "@localhost", "https://localhost/?key=" + secret, "https://localhost/#" + secret,
          secret, secret + "://localhost", "https://localhost:" + secret, "https://" + secret + " x"}) {
        option([&](ClientOptions& options) { options.apiUrl = url; });
        option([&](ClientOptions& options) { options.edgeUrl = url; });
        listener.hear([&] { runOn(carrier.io, carrier.client->fetch(Request("GET", url))); });
        listener.hear([&] { runOn(carrier.io, carrier.client->get(url + "\r\n")); });
    }
    for (const std::string& target :
         {"/a b?" + secret, "/../" + secret, "//" + secret, "/a#" + secret, "/" + secret + "\n"})
        listener.hear([&] { runOn(carrier.io, carrier.client->get(target)); });
    for (const Header& field : {Header("X", secret + "\r\n"), Header("Authorization", secret), Header("X Y", secret),
                                Header("Proxy-Authorization", secret)}) {
        option([&](ClientOptions& options) { options.headers.push_back(field); });
        listener.hear(
            [&] { runOn(carrier.io, carrier.client->fetch(Request("GET", "/").header(field.first, field.second))); });
    }
    option([&](ClientOptions& options) { options.transport.tls.caPem = secret; });
    listener.hear([&] { runOn(carrier.io, carrier.client->fetch(Request("get " + secret, "/"))); });
    const Tokens bad(AccessToken(secret + "\n", {}), RefreshToken(secret + " ", TokenRole::visitor));
    listener.hear([&] { runOn(carrier.io, carrier.client->setTokens(bad)); });
    listener.hear([&] { runOn(carrier.io, carrier.client->renewToken(bad.refreshToken)); });
    listener.hear([&] { runOn(carrier.io, carrier.client->generateVisitorTokens(bad)); });
    listener.hear([&] { tokensFromJson(object("accessToken", secret)); });
    CHECK(listener.heard(Errc::invalid_argument));
    CHECK(listener.heard(Errc::invalid_target));
    CHECK(listener.heard(Errc::invalid_header));
    CHECK(listener.heard(Errc::invalid_token));
    CHECK_FALSE(has(listener.text(), secret));
}
