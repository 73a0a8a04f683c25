// Answers of `openssl s_server` and gnutls-serv, and how these end them: an answer that ends with its connection is complete
// only if TLS says so (close_notify).
#include "counterparts/tls_server.hpp"

#include "support/run.hpp"

#include <optional>

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

using Stack = TlsServer::Stack;

bool skipped() { return missing("openssl", "openssl"); }

/// A call to an s_server that prints what it gets and sends what it is told.
class Dialogue {
public:
    explicit Dialogue(std::vector<std::string> more = {}) : server(Stack::openssl, site, std::move(more)) {}

    /// Begins the call; returns when its request has arrived.
    void begin(Request request) {
        ClientOptions options = site.options();
        options.retry.maxAttempts = 1;  // whoever closes without close_notify does not listen any more
        client_.emplace(io_.get_executor(), strategyWithTokens(), options);
        asio::co_spawn(io_, asResult(client_->fetch(std::move(request))),
                       [this](std::exception_ptr, result<Response> got) { outcome_.emplace(std::move(got)); });
        runUntil(io_, [&] { return has(server.process().output(), "Authorization: OauthNG.JWS.SECRET"); });
    }
    /// Returns when it has been sent: s_server takes a command for one only if it is read alone.
    void answer(const std::string& text) {
        const auto records = [this] { return countOf(server.process().output(), ">>> "); };
        const std::size_t before = records();
        server.process().write(text);
        runUntil(io_, [&] { return records() > before; });
    }
    /// A command of s_server: it closes its sockets without a word and ends.
    void hangUp() { server.process().write("Q\n"); }
    result<Response> outcome() {
        runUntil(io_, [&] { return outcome_.has_value(); });
        return std::move(*outcome_);
    }

    const Site site;
    TlsServer server;

private:
    asio::io_context io_;
    std::optional<Client> client_;
    std::optional<result<Response>> outcome_;
};

}  // namespace

TEST_CASE("openssl speaks TLS 1.2 or TLS 1.3 only: both are welcome") {
    if (skipped()) return;
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
        CAPTURE(version);
        Dialogue dialogue({version});
        dialogue.begin(Request("GET", cartPath));
        dialogue.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        const result<Response> got = dialogue.outcome();
        REQUIRE(got.has_value());
        CHECK(got->body() == "{}");
        CHECK(has(dialogue.server.process().output(), "GET " + cartPath));
    }
}

TEST_CASE("openssl ends an answer with close_notify: it is complete") {
    if (skipped()) return;
    const Site site;
    writeFile(site.home / "answer", "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"whole\": true}");
    TlsServer server(Stack::openssl, site, {"-HTTP"});  // sends the file that the path names, and ends the connection
    asio::io_context io;
    const Client client(io.get_executor(), strategyWithTokens(), site.options());
    for (int i = 0; i < 3; ++i) CHECK(runOn(io, client.get("/answer")) == object("whole", true));
    CHECK(server.handshakes() == 3);
}

TEST_CASE("GnuTLS ends an answer with close_notify: it is complete") {
    if (missing("gnutls-serv", "gnutls-bin")) return;
    const Site site;
    TlsServer server(Stack::gnutls, site, {});
    asio::io_context io;
    const Client client(io.get_executor(), strategyWithTokens(), site.options());
    for (int i = 0; i < 3; ++i) {
        const Response got = runOn(io, client.fetch(Request("GET", cartPath)));
        CHECK(got.status() == 200);
        CHECK(has(got.body(), "Your HTTP header was"));
        CHECK(has(got.body(), "</BODY></HTML>"));
    }
    CHECK(server.handshakes() == 3);
}

TEST_CASE("openssl ends an answer without close_notify: it is truncated, whatever it looks like [74]") {
    if (skipped()) return;
    for (const char* method : {"GET", "POST"}) {
        CAPTURE(method);
        Dialogue dialogue;
        dialogue.begin(Request(method, addPath));
        dialogue.answer("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"whole\": true}");
        dialogue.hangUp();
        const result<Response> got = dialogue.outcome();
        REQUIRE(got.has_error());
        CHECK(got.error().code == Errc::response_truncated);
        CHECK(got.error().maybeSent);
    }
}

TEST_CASE("without close_notify, and bytes or the last chunk are missing [74]") {
    if (skipped()) return;
    for (const char* answer : {"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"whole\": true}",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{\"whole\": true}\r\n"}) {
        CAPTURE(answer);
        Dialogue dialogue;
        dialogue.begin(Request("POST", addPath));
        dialogue.answer(answer);
        dialogue.hangUp();
        const result<Response> got = dialogue.outcome();
        REQUIRE(got.has_error());
        CHECK(got.error().code == Errc::response_truncated);
    }
}

TEST_CASE("without close_notify, but the length says that nothing is missing") {
    if (skipped()) return;
    Dialogue dialogue;
    dialogue.begin(Request("GET", cartPath));
    dialogue.answer("HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"whole\": true}");
    dialogue.hangUp();
    const result<Response> got = dialogue.outcome();
    REQUIRE(got.has_value());
    CHECK(got->json() == object("whole", true));
}

TEST_CASE("openssl hangs up on a request without an answer [62]") {
    if (skipped()) return;
    Dialogue dialogue;
    dialogue.begin(Request("POST", addPath));
    dialogue.hangUp();
    const result<Response> got = dialogue.outcome();
    REQUIRE(got.has_error());
    CHECK(got.error().code == Errc::maybe_sent);
    CHECK(got.error().maybeSent);
}
