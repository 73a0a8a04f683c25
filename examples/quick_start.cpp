#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> visit(wix::Client client) {
    auto found = co_await client.post("/stores-reader/v1/products/query",
                                      wix::object("query", wix::object("paging", wix::object("limit", 2))));
    for (const auto& product : found.at("products").as_array())
        std::cout << product.at("name").as_string().c_str() << "\n";

    wix::Tokens tokens = co_await client.getTokens();  // made by the first call; pass them on, or set auth.storage
    std::cout << "role: " << wix::roleName(tokens.refreshToken.role) << "\n";
}

int main() {
    wix::testing::FakeWix fake;  // a Wix on loopback: without it, drop `options` and use your own client id
    wix::ClientOptions options;
    options.apiUrl = fake.url();
    options.transport.tls.caPem = fake.caPem();

    asio::io_context io;
    wix::OAuthStrategy auth{"11111111-2222-3333-4444-555555555555"};
    asio::co_spawn(io, visit(wix::Client{io.get_executor(), auth, options}), wix::rethrow);
    io.run();
}
