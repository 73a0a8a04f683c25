// Weighed beside hello_wix: the same two requests by hand. It renews nothing, repeats nothing and waits for ever.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;
using asio::ip::tcp;

namespace {

const char* const host = "www.wixapis.com";
using Stream = asio::ssl::stream<tcp::socket>;

asio::awaitable<json::value> post(Stream& stream, std::string target, std::string token, json::value body) {
    http::request<http::string_body> request(http::verb::post, target, 11);
    request.set(http::field::host, host);
    request.set(http::field::content_type, "application/json");
    if (!token.empty()) request.set(http::field::authorization, token);
    request.body() = json::serialize(body);
    request.prepare_payload();
    co_await http::async_write(stream, request, asio::use_awaitable);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    co_await http::async_read(stream, buffer, response, asio::use_awaitable);
    if (response.result() != http::status::ok) throw std::runtime_error(response.body());
    co_return json::parse(response.body());
}

asio::awaitable<void> visit(asio::ssl::context& tls, std::string clientId) {
    const auto executor = co_await asio::this_coro::executor;
    tcp::resolver resolver(executor);
    const auto found = co_await resolver.async_resolve(host, "443", asio::use_awaitable);
    Stream stream(executor, tls);
    SSL_set_tlsext_host_name(stream.native_handle(), host);
    stream.set_verify_callback(asio::ssl::host_name_verification(host));
    co_await asio::async_connect(stream.next_layer(), found, asio::use_awaitable);
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);

    json::object grant;
    grant["clientId"] = std::move(clientId);
    grant["grantType"] = "anonymous";
    const json::value tokens = co_await post(stream, "/oauth2/token", std::string(), std::move(grant));
    json::object body;
    body["query"] = json::object();
    const json::value answer = co_await post(stream, "/stores-reader/v1/products/query",
                                             std::string(tokens.at("access_token").as_string()), std::move(body));
    std::printf("%s\n", std::string(answer.at("products").at(0).at("name").as_string()).c_str());
}

}  // namespace

int main(int count, char** values) {
    if (count < 2) return 2;
    try {
        asio::io_context io;
        asio::ssl::context tls(asio::ssl::context::tls_client);
        tls.set_default_verify_paths();
        tls.set_verify_mode(asio::ssl::verify_peer);
        std::exception_ptr failed;
        asio::co_spawn(io, visit(tls, values[1]), [&failed](std::exception_ptr error) { failed = error; });
        io.run();
        if (failed) std::rethrow_exception(failed);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
