// What can go wrong, and what to do about it.
#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> showCart(wix::Client client, std::stop_token stop) {
    wix::CallOptions options;
    options.timeout = std::chrono::seconds(5);  // for all of it: token, connection, retries, answer
    options.stopToken = stop;                   // from any thread; Asio's cancellation slots work as well
    try {
        auto cart = co_await client.get("/ecom/v1/carts/current", options);
        std::cout << cart.at("cart").at("lineItems").as_array().size() << " lines\n";
    } catch (const wix::ApiError& error) {  // the API said no
        if (error.code() != "OWNED_CART_NOT_FOUND") throw;
        std::cout << "no cart yet\n";
    } catch (const wix::Error& error) {  // no answer: the network, TLS, a token, a deadline
        if (error.code() == asio::error::operation_aborted) co_return;
        std::cout << (error.maybeSent() ? "maybe done: " : "not done: ") << error.what() << "\n";
    }
}

int main() {
    wix::testing::FakeWix fake;
    wix::ClientOptions options;
    options.apiUrl = fake.url();
    options.transport.tls.caPem = fake.caPem();
    asio::io_context io;
    wix::Client client{io.get_executor(), wix::OAuthStrategy{"11111111-2222-3333-4444-555555555555"}, options};
    asio::co_spawn(io, showCart(client, std::stop_token()), wix::rethrow);
    io.run();
}
