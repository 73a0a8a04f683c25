// What TLS does to the pieces in which an answer arrives.
#include "integration/failures.hpp"

#include "testing/certificate.hpp"

#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <functional>
#include <thread>
#include <vector>

#include <netinet/tcp.h>
#include <poll.h>

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

using Stream = asio::ssl::stream<asio::ip::tcp::socket>;

/// Serves one connection after the other, each with a script of its own, on a thread.
class ScriptedTls {
public:
    explicit ScriptedTls(std::vector<std::function<void(Stream&)>> scripts)
        : credentials_(testing::detail::makeCredentials(testing::Certificate::valid)), scripts_(std::move(scripts)) {
        context_.use_certificate_chain(asio::buffer(credentials_.certificate));
        context_.use_private_key(asio::buffer(credentials_.privateKey), asio::ssl::context::pem);
        thread_ = std::thread([this] { serve(); });
    }
    ~ScriptedTls() { thread_.join(); }

    Client client(asio::io_context& io, int attempts = 1) const {
        ClientOptions options;
        options.apiUrl = options.edgeUrl = listener_.url();
        options.transport.tls.caPem = credentials_.caCertificate;
        options.retry.maxAttempts = attempts;
        options.retry.firstDelay = std::chrono::milliseconds(1);
        OAuthStrategy strategy(clientId);
        const auto later = std::chrono::system_clock::now() + std::chrono::hours(2);
        strategy.tokens = Tokens(AccessToken("a", std::chrono::time_point_cast<std::chrono::seconds>(later)),
                                 RefreshToken("r", TokenRole::visitor));
        return Client(io.get_executor(), strategy, options);
    }

private:
    void serve() {
        asio::io_context io;
        std::vector<std::unique_ptr<Stream>> open;  // until the end: what is read is not disturbed by a reset
        for (const auto& script : scripts_) {
            pollfd waiting{listener_.acceptor().native_handle(), POLLIN, 0};
            if (::poll(&waiting, 1, 5000) != 1) return;
            open.push_back(std::make_unique<Stream>(io, context_));
            boost::system::error_code error;
            listener_.acceptor().accept(open.back()->next_layer(), error);
            if (!error) open.back()->handshake(asio::ssl::stream_base::server, error);
            std::string request;
            if (!error) asio::read_until(*open.back(), asio::dynamic_buffer(request), "\r\n\r\n", error);
            if (!error) script(*open.back());
        }
    }

    testing::detail::ServerCredentials credentials_;
    std::vector<std::function<void(Stream&)>> scripts_;
    asio::ssl::context context_{asio::ssl::context::tls_server};
    mutable SilentListener listener_;
    std::thread thread_;
};

void cork(Stream& stream, int on) {
    ::setsockopt(stream.next_layer().native_handle(), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

std::function<void(Stream&)> writing(std::vector<std::string> records) {
    return [records](Stream& stream) {
        boost::system::error_code ignored;
        cork(stream, 1);  // all of them in one piece
        for (const std::string& record : records) asio::write(stream, asio::buffer(record), ignored);
        cork(stream, 0);
    };
}

void breakTls(Stream& stream) {
    boost::system::error_code ignored;
    asio::write(stream.next_layer(), asio::buffer("this is no TLS record at all", 28), ignored);
}

}  // namespace

TEST_CASE("an answer in many records is one answer") {
    const std::string text = answer(R"({"n":1})");
    std::vector<std::string> records;
    for (char c : text) records.emplace_back(1, c);
    const ScriptedTls server({writing(records)});
    asio::io_context io;
    CHECK(runOn(io, server.client(io).get(cartPath)) == object("n", 1));
}

TEST_CASE("a second answer in a record of its own, in one piece with the first, is nobody's") {
    const ScriptedTls server(
        {writing({answer(R"({"n":1})"), answer(R"({"foreign":true})")}), writing({answer(R"({"n":2})")})});
    asio::io_context io;
    const Client client = server.client(io);
    CHECK(runOn(io, client.get(cartPath)) == object("n", 1));
    CHECK(runOn(io, client.get(cartPath)) == object("n", 2));
}

TEST_CASE("TLS that breaks after the request has left is a lost connection, not a failed handshake") {
    {
        const ScriptedTls server({breakTls});
        asio::io_context io;
        const Failure failure = failureOf(io, server.client(io).post(addPath, object()));
        CHECK(failure.code == Errc::maybe_sent);
        CHECK(failure.maybeSent);
    }
    const ScriptedTls server({breakTls, writing({answer(R"({"n":2})")})});
    asio::io_context io;
    CHECK(runOn(io, server.client(io, 2).get(cartPath)) == object("n", 2));
}
