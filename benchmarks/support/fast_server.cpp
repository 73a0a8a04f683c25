#include "support/fast_server.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "support/measure.hpp"
#include "testing/certificate.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;

namespace wix::bench {
namespace {

using ErrorCode = boost::system::error_code;

std::string answer(const std::string& body) {
    return "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-wix-request-id: 1718000000.1234567890\r\n"
           "cache-control: no-cache\r\nserver: bench\r\ncontent-length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string productAnswer() {
    std::string description;
    for (int i = 0; i < 6; ++i) description += "A comfortable chair of oiled oak, made to outlive its owner. ";
    return answer(
        R"({"product":{"id":"0f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9","name":"Oak chair","slug":"oak-chair","visible":true,)"
        R"("productType":"physical","description":")" +
        description +
        R"(","sku":"CH-0001","weight":4.5,)"
        R"("stock":{"trackInventory":true,"inStock":true,"quantity":42,"inventoryStatus":"IN_STOCK"},)"
        R"("price":{"currency":"EUR","price":129.5,"discountedPrice":99.5,"formatted":{"price":"129,50 €",)"
        R"("discountedPrice":"99,50 €"}},"productOptions":[],"collectionIds":["00000000-0000-0000-0000-000000000001",)"
        R"("7a8b9c0d-1e2f-3041-5263-748596a7b8c9"],"createdDate":"2024-06-10T08:00:00.000Z",)"
        R"("lastUpdated":"2024-06-10T08:00:00.000Z"}})");
}

/// 760 bytes of access token, as Wix's are.
std::string tokenAnswer() {
    return answer(R"({"access_token":"OauthNG.JWS.)" + std::string(748, 'a') + R"(","refresh_token":"JWS.)" +
                  std::string(396, 'r') + R"(","token_type":"Bearer","expires_in":14400})");
}

struct Answers {
    Answers() = default;
    std::string product = productAnswer();
    std::string token = tokenAnswer();
};

std::size_t contentLength(std::string_view head) {
    constexpr std::string_view name = "\r\nContent-Length: ";  // as both clients write it
    const auto at = head.find(name);
    if (at == head.npos) return 0;
    std::size_t length = 0;
    std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
    return length;
}

using Stream = asio::ssl::stream<tcp::socket>;

asio::awaitable<void> serve(std::shared_ptr<Stream> stream, const Answers* answers) {
    ErrorCode ec;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    co_await stream->async_handshake(asio::ssl::stream_base::server, token);
    std::string in(16 * 1024, '\0');
    std::size_t filled = 0;
    while (!ec) {
        const std::size_t got =
            co_await stream->async_read_some(asio::buffer(in.data() + filled, in.size() - filled), token);
        if (ec) break;
        filled += got;
        const std::string_view text(in.data(), filled);
        const auto end = text.find("\r\n\r\n");
        if (end == text.npos) continue;
        const std::size_t whole = end + 4 + contentLength(text.substr(0, end + 2));
        if (filled < whole) continue;
        const bool asksForToken = text.starts_with("POST /oauth2/token ");
        filled = 0;  // clients wait for the answer before they send again
        co_await asio::async_write(*stream, asio::buffer(asksForToken ? answers->token : answers->product), token);
    }
}

asio::awaitable<void> acceptAll(tcp::acceptor& acceptor, asio::ssl::context& tls, const Answers* answers) {
    ErrorCode ec;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    while (!ec) {
        tcp::socket socket = co_await acceptor.async_accept(token);
        if (ec) break;
        socket.set_option(tcp::no_delay(true));
        auto stream = std::make_shared<Stream>(std::move(socket), tls);
        asio::co_spawn(acceptor.get_executor(), serve(std::move(stream), answers), asio::detached);
    }
}

/// The child: tells port and CA through `hello`, then serves until `life` ends.
void serveUntil(int life, int hello) {
    const auto credentials = testing::detail::makeCredentials(testing::Certificate::valid);
    asio::ssl::context tls(asio::ssl::context::tls_server);
    tls.use_certificate_chain(asio::buffer(credentials.certificate));
    tls.use_private_key(asio::buffer(credentials.privateKey), asio::ssl::context::pem);

    asio::io_context io(1);
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const std::string greeting = std::to_string(acceptor.local_endpoint().port()) + "\n" + credentials.caCertificate;
    if (::write(hello, greeting.data(), greeting.size()) != static_cast<ssize_t>(greeting.size())) return;
    ::close(hello);

    asio::posix::stream_descriptor parent(io, life);
    std::array<char, 1> byte{};
    parent.async_read_some(asio::buffer(byte), [&](const ErrorCode&, std::size_t) { io.stop(); });
    const Answers answers;
    asio::co_spawn(io, acceptAll(acceptor, tls, &answers), asio::detached);
    io.run();
}

std::string readAll(int descriptor) {
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t got = 0; (got = ::read(descriptor, part.data(), part.size())) > 0;)
        text.append(part.data(), static_cast<std::size_t>(got));
    return text;
}

}  // namespace

FastServer::FastServer(bool pin) {
    int life[2];
    int hello[2];
    if (::pipe(life) != 0 || ::pipe(hello) != 0) throw std::runtime_error("the server's pipes cannot be made");
    child_ = ::fork();
    if (child_ < 0) throw std::runtime_error("the server's process cannot be made");
    if (child_ == 0) {
        ::close(life[1]);
        ::close(hello[0]);
        if (pin) pinTo(Core::last);
        try {
            serveUntil(life[0], hello[1]);
        } catch (const std::exception&) {
            ::_exit(1);
        }
        ::_exit(0);
    }
    ::close(life[0]);
    ::close(hello[1]);
    life_ = life[1];
    const std::string greeting = readAll(hello[0]);
    ::close(hello[0]);
    const auto end = greeting.find('\n');
    if (end == greeting.npos) throw std::runtime_error("the server did not come up");
    std::from_chars(greeting.data(), greeting.data() + end, port_);
    caPem_ = greeting.substr(end + 1);
}

FastServer::~FastServer() {
    ::close(life_);
    ::waitpid(child_, nullptr, 0);
}

}  // namespace wix::bench
