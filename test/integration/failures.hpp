// What the fault tests share: failures as values, and answers as bytes.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <doctest/doctest.h>

#include "support/fake_client.hpp"
#include "support/run.hpp"

#include <optional>
#include <string>
#include <utility>

namespace wix::test {

inline const std::string cartPath = "/ecom/v1/carts/current";
inline const std::string addPath = "/ecom/v1/carts/current/add-to-cart";
inline const std::string queryPath = "/stores-reader/v1/products/query";

/// What `operation` failed with; an empty code if it did not.
template <class T>
Failure failureOf(boost::asio::io_context& io, boost::asio::awaitable<T> operation) {
    try {
        runOn(io, std::move(operation));
    } catch (const Error& error) {
        return error.failure();
    }
    return Failure();
}

/// The API's error; nothing if it did not fail so.
template <class T>
std::optional<ApiError> apiErrorOf(boost::asio::io_context& io, boost::asio::awaitable<T> operation) {
    try {
        runOn(io, std::move(operation));
    } catch (const ApiError& error) {
        return error;
    }
    return std::nullopt;
}

/// What a constructor threw; an empty code if it did not.
template <class Make>
Failure refusalOf(Make make) {
    try {
        make();
    } catch (const Error& error) {
        return error.failure();
    }
    return Failure();
}

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// A visitor of `fake` who has tokens and an open connection.
class Visitor {
public:
    explicit Visitor(const testing::FakeWix& fake) : Visitor(fake, optionsFor(fake)) {}
    Visitor(const testing::FakeWix& fake, ClientOptions options)
        : client(io.get_executor(), OAuthStrategy(clientId), std::move(options)),
          fake_(fake),
          tokens_(runOn(io, client.generateVisitorTokens())) {}

    boost::asio::io_context io;
    const Client client;

    Failure failing(boost::asio::awaitable<boost::json::value> call) { return failureOf(io, std::move(call)); }
    Failure failingGet() { return failing(client.get(cartPath)); }

    /// After a fault: the session is what it was, and nobody asked for another.
    void checkUntouched(std::uint64_t tokenRequests = 1) {
        CHECK(runOn(io, client.getTokens()) == tokens_);
        CHECK(fake_.state().requests.at("token") == tokenRequests);
        CHECK(fake_.state().visitors == 1);
    }

private:
    const testing::FakeWix& fake_;
    Tokens tokens_;
};

/// An answer with the right length.
inline std::string answer(const std::string& body, const std::string& headers = std::string(), int status = 200) {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           headers + "\r\n" + body;
}

/// A TCP listener on loopback that never answers: the kernel accepts for it.
class SilentListener {
public:
    SilentListener() : acceptor_(io_, boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {}
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::string url(const std::string& scheme = "https", const std::string& host = "127.0.0.1") const {
        return scheme + "://" + host + ":" + std::to_string(port());
    }
    boost::asio::ip::tcp::acceptor& acceptor() { return acceptor_; }

private:
    boost::asio::io_context io_;
    boost::asio::ip::tcp::acceptor acceptor_;
};

}  // namespace wix::test
