// What a user's program needs at least: a client, and a Wix on loopback to test it against.
#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> visit(wix::Client client) {
    wix::Tokens tokens = co_await client.generateVisitorTokens();
    auto found = co_await client.post("/stores-reader/v1/products/query",
                                      wix::object("query", wix::object("paging", wix::object("limit", 3))));
    std::cout << "role " << wix::roleName(tokens.refreshToken.role) << ", products "
              << found.at("products").as_array().size() << '\n';
}

int main() {
    wix::testing::FakeWix wix;
    wix::OAuthStrategy auth{"5c0ffee0-1234-4abc-8def-0123456789ab"};
    wix::ClientOptions options;
    options.apiUrl = wix.url();
    options.transport.tls.caPem = wix.caPem();

    asio::io_context io;
    std::exception_ptr failed;
    asio::co_spawn(io, visit(wix::Client{io.get_executor(), auth, options}),
                   [&](std::exception_ptr error) { failed = error; });
    io.run();
    try {
        if (failed) std::rethrow_exception(failed);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
