#include "cold_start/raw_asio.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>

#include <charconv>
#include <stdexcept>
#include <string_view>

namespace asio = boost::asio;
namespace json = boost::json;
using asio::ip::tcp;

namespace wix::bench {
namespace {

std::string requestText(std::string_view line, std::string_view accessToken, std::string_view body) {
    std::string text(line);
    text += " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nUser-Agent: by-hand\r\n";
    if (!accessToken.empty()) (text += "Authorization: ").append(accessToken) += "\r\n";
    if (!body.empty())
        text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    return (text += "\r\n").append(body);
}

std::size_t contentLength(std::string_view head) {
    for (const std::string_view name : {"Content-Length: ", "content-length: "}) {
        const auto at = head.find(name);
        if (at == head.npos) continue;
        std::size_t length = 0;
        std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
        return length;
    }
    throw std::runtime_error("an answer without its length");
}

}  // namespace

RawAsio::RawAsio(const std::string& caPem, int maxVersion) : tls_(asio::ssl::context::tls_client) {
    tls_.add_certificate_authority(asio::buffer(caPem));
    tls_.set_verify_mode(asio::ssl::verify_peer);
    SSL_CTX_set_max_proto_version(tls_.native_handle(), maxVersion);
    SSL_CTX_set_session_cache_mode(tls_.native_handle(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
}

asio::awaitable<RawAsio::StreamPtr> RawAsio::connect(std::uint16_t port) {
    StreamPtr stream = std::make_unique<Stream>(co_await asio::this_coro::executor, tls_);
    stream->set_verify_callback(asio::ssl::host_name_verification("127.0.0.1"));
    if (session_) SSL_set_session(stream->native_handle(), session_.get());
    const tcp::endpoint server(asio::ip::address_v4::loopback(), port);
    co_await stream->next_layer().async_connect(server, asio::use_awaitable);
    stream->next_layer().set_option(tcp::no_delay(true));
    co_await stream->async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    co_return std::move(stream);
}

asio::awaitable<std::string> RawAsio::ask(Stream& stream, std::string request) {
    co_await asio::async_write(stream, asio::buffer(request), asio::use_awaitable);
    std::string text;
    const std::size_t head =
        co_await asio::async_read_until(stream, asio::dynamic_buffer(text), "\r\n\r\n", asio::use_awaitable);
    if (!text.starts_with("HTTP/1.1 200 ")) throw std::runtime_error("an answer of " + text.substr(9, 3));
    const std::size_t whole = head + contentLength(std::string_view(text).substr(0, head));
    if (text.size() < whole)
        co_await asio::async_read(stream, asio::dynamic_buffer(text), asio::transfer_exactly(whole - text.size()),
                                  asio::use_awaitable);
    co_return text.substr(head, whole - head);
}

void RawAsio::keepSession(Stream& stream) {
    session_.reset(SSL_get1_session(stream.native_handle()), SSL_SESSION_free);
    SSL_set_shutdown(stream.native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

asio::awaitable<void> RawAsio::firstAnswer(std::uint16_t port) {
    const StreamPtr stream = co_await connect(port);
    std::string grant = R"({"clientId":"11111111-2222-3333-4444-555555555555","grantType":"anonymous"})";
    std::string request = requestText("POST /oauth2/token", std::string_view(), grant);
    const std::string tokens = co_await ask(*stream, std::move(request));
    const std::string token(json::parse(tokens).at("access_token").as_string());
    request = requestText("POST /stores-reader/v1/products/query", token, R"({"query":{}})");
    const std::string found = co_await ask(*stream, std::move(request));
    if (!json::parse(found).at("products").is_array()) throw std::runtime_error("there are no products");
}

asio::awaitable<void> RawAsio::again(std::uint16_t port, std::size_t times, std::string accessToken) {
    for (std::size_t i = 0; i < times; ++i) {
        const StreamPtr stream = co_await connect(port);
        std::string request = requestText("GET /x", accessToken, std::string_view());
        const std::string answer = co_await ask(*stream, std::move(request));
        if (!json::parse(answer).is_object()) throw std::runtime_error("it is no object");
        keepSession(*stream);
    }
}

}  // namespace wix::bench
