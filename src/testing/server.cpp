#include "testing/server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "testing/certificate.hpp"
#include "testing/connection.hpp"
#include "testing/ends_at_exit.hpp"

namespace asio = boost::asio;

namespace wix::testing::detail {

namespace {

using asio::ip::tcp;

asio::ssl::context makeContext(const ServerCredentials& credentials) {
    asio::ssl::context context(asio::ssl::context::tls_server);
    context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                        asio::ssl::context::no_tlsv1_1);
    context.use_certificate_chain(asio::buffer(credentials.certificate));
    context.use_private_key(asio::buffer(credentials.privateKey), asio::ssl::context::pem);
    return context;
}

// A connection that fails, for want of memory say, must not take the others with it.
void dropConnection(std::exception_ptr) {}

/// Makes `descriptor` the one of `socket`. Descriptors that Asio opens are inherited by programs that the user starts.
template <class Socket>
boost::system::error_code adopt(Socket& socket, int descriptor) {
    if (descriptor < 0) return boost::system::error_code(errno, boost::system::system_category());
    boost::system::error_code error;
    socket.assign(tcp::v4(), descriptor, error);
    if (error) ::close(descriptor);
    return error;
}

boost::system::error_code accept(tcp::acceptor& acceptor, tcp::socket& socket) {
    return adopt(socket, ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC));
}

asio::awaitable<void> acceptAll(tcp::acceptor& acceptor, asio::ssl::context* tls, Core& core, ConnectionLimits limits) {
    const auto executor = acceptor.get_executor();
    while (acceptor.is_open()) {
        boost::system::error_code error;
        co_await acceptor.async_wait(tcp::acceptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
        tcp::socket socket(executor);
        if (!error) error = accept(acceptor, socket);
        if (error == asio::error::would_block) continue;  // the client has left
        if (error) {                                      // out of descriptors, most likely: they come back
            asio::steady_timer timer(executor, std::chrono::milliseconds(20));
            co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
            continue;
        }
        asio::co_spawn(executor, serveConnection(std::move(socket), tls, core, limits), dropConnection);
    }
}

}  // namespace

// The order matters: the coroutines end with the io_context, and their streams use the TLS context until then.
struct Server::Loop final : EndsAtExit {
    explicit Loop(std::uint16_t port) {
        const auto error = adopt(acceptor, ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (error) throw boost::system::system_error(error);
        acceptor.set_option(tcp::acceptor::reuse_address(true));
        acceptor.bind(tcp::endpoint(asio::ip::address_v4::loopback(), port));
        acceptor.listen();
        acceptor.non_blocking(true);
    }
    ~Loop() {
        leave();
        endThread();
    }
    void endThread() noexcept override {
        context.stop();
        // If a handler on that thread ends the program, it cannot wait for itself.
        if (thread.joinable() && thread.get_id() != std::this_thread::get_id()) thread.join();
    }

    std::optional<asio::ssl::context> tls;
    asio::io_context context{1};
    tcp::acceptor acceptor{context};
    std::thread thread;
};

Server::Server(const FakeWixOptions& options, Core& core) : loop_(std::make_unique<Loop>(options.port)) {
    port_ = loop_->acceptor.local_endpoint().port();
    if (options.tls) {
        const ServerCredentials credentials = makeCredentials(options.certificate);
        caPem_ = credentials.caCertificate;
        loop_->tls.emplace(makeContext(credentials));
    }
    ConnectionLimits limits;
    limits.maxBodyBytes = options.maxBodyBytes;
    limits.idleTimeout = options.idleTimeout;
    Loop& loop = *loop_;
    asio::co_spawn(loop.context, acceptAll(loop.acceptor, loop.tls ? &*loop.tls : nullptr, core, limits),
                   dropConnection);
    loop.thread = std::thread([&loop] { loop.context.run(); });
}

Server::~Server() = default;

}  // namespace wix::testing::detail
