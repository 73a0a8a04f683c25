#include "raw_beast.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include <exception>
#include <stdexcept>
#include <vector>

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;
using asio::ip::tcp;

namespace wix::bench {
namespace {

using ErrorCode = boost::system::error_code;
// The concrete executor: any_io_executor, Beast's default, costs a few percent more.
using Io = asio::io_context::executor_type;
using Stream = asio::ssl::stream<asio::basic_stream_socket<tcp, Io>>;
using Request = http::request<http::empty_body>;

struct Connection {
    Connection(asio::io_context& io, asio::ssl::context& tls) : stream(io.get_executor(), tls) {
        buffer.reserve(16 * 1024);
    }
    Stream stream;
    boost::beast::flat_buffer buffer;
};

/// Looks at the answer as the SDK's contender does.
bool isProduct(const std::string& text, Body body) {
    if (body == Body::string) return text.size() > 900;
    if (body == Body::parsed) return json::parse(text).at("product").is_object();
    unsigned char memory[8 * 1024];
    json::monotonic_resource resource(memory, sizeof memory);
    return json::parse(text, &resource).at("product").is_object();
}

asio::awaitable<void, Io> callInTurn(Connection* connection, const Request* request, std::size_t* left, Body body) {
    ErrorCode ec;
    auto token = asio::redirect_error(asio::use_awaitable_t<Io>(), ec);
    while (*left > 0) {
        --*left;
        co_await http::async_write(connection->stream, *request, token);
        if (ec) throw boost::system::system_error(ec, "writing");
        http::response<http::string_body> response;
        co_await http::async_read(connection->stream, connection->buffer, response, token);
        if (ec) throw boost::system::system_error(ec, "reading");
        if (response.result_int() != 200 || !isProduct(response.body(), body))
            throw std::runtime_error("raw Beast got another answer");
    }
}

class RawBeast final : public Contender {
public:
    RawBeast(std::uint16_t port, const std::string& caPem, const std::string& accessToken, Body body)
        : body_(body), tls_(asio::ssl::context::tls_client), request_(http::verb::get, productPath, 11) {
        tls_.add_certificate_authority(asio::buffer(caPem));
        tls_.set_verify_mode(asio::ssl::verify_peer);
        // The same fields that the SDK sends.
        request_.set(http::field::host, "localhost:" + std::to_string(port));
        request_.set(http::field::accept_encoding, "gzip, deflate");
        request_.set(http::field::user_agent, "wix-cpp/0.1.0");
        request_.set(http::field::accept, "application/json");
        request_.set(http::field::authorization, accessToken);
        for (std::size_t i = 0; i < connections; ++i) open(port);
    }

    std::string name() const override {
        if (body_ == Body::string) return "raw Beast, body as a string";
        return body_ == Body::parsed ? "raw Beast, json::parse" : "raw Beast, parsed into stack memory";
    }

    void make(std::size_t calls) override {
        std::size_t left = calls;
        std::exception_ptr failed;
        io_.restart();
        for (const auto& connection : open_)
            asio::co_spawn(io_, callInTurn(connection.get(), &request_, &left, body_),
                           [&failed](std::exception_ptr error) {
                               if (error) failed = error;
                           });
        io_.run();
        if (failed) std::rethrow_exception(failed);
    }

private:
    void open(std::uint16_t port) {
        auto connection = std::make_unique<Connection>(io_, tls_);
        auto& socket = connection->stream.next_layer();
        socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
        socket.set_option(tcp::no_delay(true));
        SSL_set_tlsext_host_name(connection->stream.native_handle(), "localhost");
        connection->stream.set_verify_callback(asio::ssl::host_name_verification("localhost"));
        connection->stream.handshake(asio::ssl::stream_base::client);
        open_.push_back(std::move(connection));
    }

    Body body_;
    asio::io_context io_{1};
    asio::ssl::context tls_;
    Request request_;
    std::vector<std::unique_ptr<Connection>> open_;
};

}  // namespace

std::unique_ptr<Contender> rawBeast(std::uint16_t port, const std::string& caPem, const std::string& accessToken,
                                    Body body) {
    return std::make_unique<RawBeast>(port, caPem, accessToken, body);
}

}  // namespace wix::bench
