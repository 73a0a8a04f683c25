// What the first bytes of TLS tell: the name for a name (SNI), nothing for an address (RFC 6066 section 3).
#include "integration/failures.hpp"

#include <poll.h>

#include <string>
#include <thread>

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

/// The ClientHello that a client of `host` sends.
std::string helloTo(const std::string& host) {
    SilentListener listener;
    std::string hello(4096, '\0');
    std::thread server([&] {
        asio::io_context io;
        asio::ip::tcp::socket socket(io);
        pollfd connection{listener.acceptor().native_handle(), POLLIN, 0};
        const bool came = ::poll(&connection, 1, 20'000) == 1;  // a client may fail before it connects
        if (came) listener.acceptor().accept(socket);
        hello.resize(came ? socket.read_some(asio::buffer(hello)) : 0);
    });
    ClientOptions options;
    options.apiUrl = "https://" + host + ":" + std::to_string(listener.acceptor().local_endpoint().port());
    asio::io_context io;
    options.transport.tls.caPem = testing::FakeWix().caPem();
    options.retry.maxAttempts = 1;
    const Client client(io.get_executor(), OAuthStrategy(clientId), options);
    CHECK(failureOf(io, client.get(cartPath)).code == Errc::connection_lost);
    server.join();
    return hello;
}

}  // namespace

TEST_CASE("a name is sent, an address is not") {
    CHECK(has(helloTo("localhost"), "localhost"));
    CHECK_FALSE(has(helloTo("127.0.0.1"), "127.0.0.1"));
}
