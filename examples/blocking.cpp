// A kiosk: no event loop, each call waits for its answer.
#include <wix/run.hpp>
#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include <iostream>

int main() {
    wix::testing::FakeWix fake;  // a Wix on loopback: without it, drop `options` and use your own client id
    wix::ClientOptions options;
    options.apiUrl = fake.url();
    options.transport.tls.caPem = fake.caPem();

    boost::asio::io_context io;
    const wix::Client client{io.get_executor(), wix::OAuthStrategy{"11111111-2222-3333-4444-555555555555"}, options};

    auto query = wix::object("query", wix::object("paging", wix::object("limit", 3)));
    auto found = wix::run(io, client.post("/stores-reader/v1/products/query", std::move(query)));
    for (const auto& product : found.at("products").as_array())
        std::cout << product.at("name").as_string().c_str() << "\n";

    try {
        wix::run(io, client.get("/ecom/v1/carts/current"));
    } catch (const wix::ApiError& error) {
        std::cout << error.status() << ": the cart is empty\n";
    }
    wix::run(io, client.close());
}
