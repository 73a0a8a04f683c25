#include "cold_start/raw_asio.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
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

std::unique_ptr<RawAsio::Stream> RawAsio::connect(std::uint16_t port) {
    auto stream = std::make_unique<Stream>(io_, tls_);
    stream->set_verify_callback(asio::ssl::host_name_verification("127.0.0.1"));
    if (session_) SSL_set_session(stream->native_handle(), session_.get());
    stream->next_layer().connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
    stream->next_layer().set_option(tcp::no_delay(true));
    stream->handshake(asio::ssl::stream_base::client);
    return stream;
}

std::string RawAsio::ask(Stream& stream, const std::string& request) {
    asio::write(stream, asio::buffer(request));
    std::string text;
    const std::size_t head = asio::read_until(stream, asio::dynamic_buffer(text), "\r\n\r\n");
    if (!text.starts_with("HTTP/1.1 200 ")) throw std::runtime_error("an answer of " + text.substr(9, 3));
    const std::size_t whole = head + contentLength(std::string_view(text).substr(0, head));
    if (text.size() < whole)
        asio::read(stream, asio::dynamic_buffer(text), asio::transfer_exactly(whole - text.size()));
    return text.substr(head, whole - head);
}

void RawAsio::keepSession(Stream& stream) {
    session_.reset(SSL_get1_session(stream.native_handle()), SSL_SESSION_free);
    SSL_set_shutdown(stream.native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void RawAsio::firstAnswer(std::uint16_t port) {
    const auto stream = connect(port);
    const std::string grant = R"({"clientId":"11111111-2222-3333-4444-555555555555","grantType":"anonymous"})";
    const json::value tokens = json::parse(ask(*stream, requestText("POST /oauth2/token", std::string_view(), grant)));
    const std::string token(tokens.at("access_token").as_string());
    const json::value found =
        json::parse(ask(*stream, requestText("POST /stores-reader/v1/products/query", token, R"({"query":{}})")));
    if (!found.at("products").is_array()) throw std::runtime_error("there are no products");
}

void RawAsio::once(std::uint16_t port, const std::string& accessToken) {
    const auto stream = connect(port);
    if (!json::parse(ask(*stream, requestText("GET /x", accessToken, std::string_view()))).is_object())
        throw std::runtime_error("it is no object");
    keepSession(*stream);
}

}  // namespace wix::bench
