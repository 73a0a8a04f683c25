// Raw Beast as one would use it with care, and nothing around it: no deadlines, no retries, no pool.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "calls/beast_calls.hpp"
#include "calls/gzip.hpp"
#include "calls/product.hpp"
#include "support/contender_loop.hpp"

namespace wix::bench {

namespace asio = boost::asio;
namespace http = boost::beast::http;

// The concrete executors: any_io_executor, Beast's default, costs a few percent more.
using OneThread = asio::io_context::executor_type;
using OnStrand = asio::strand<asio::io_context::executor_type>;

template <class Executor>
using TcpStream = asio::basic_stream_socket<asio::ip::tcp, Executor>;
template <class Executor>
using TlsStream = asio::ssl::stream<TcpStream<Executor>>;

/// Keep-alive, TLS with the chain and the host verified, a request that is built once, buffers that hold an answer.
template <class Stream>
class BeastContender final : public Contender {
public:
    explicit BeastContender(const ContenderArguments& arguments)
        : threads_(arguments.threads),
          stack_(arguments.stack),
          tls_(asio::ssl::context::tls_client),
          request_(http::verb::get, arguments.path, 11) {
        if constexpr (encrypted) {
            tls_.add_certificate_authority(asio::buffer(arguments.ca()));
            tls_.set_verify_mode(asio::ssl::verify_peer);
        }
        // The same fields that the SDK sends.
        request_.set(http::field::host, arguments.authority());
        request_.set(http::field::accept_encoding, "gzip, deflate");
        request_.set(http::field::user_agent, "wix-cpp/0.1.0");
        request_.set(http::field::accept, "application/json");
        request_.set(http::field::authorization, arguments.token);
        for (std::size_t i = 0; i < arguments.contexts; ++i)
            contexts_.push_back(
                std::make_unique<asio::io_context>(static_cast<int>(arguments.threads / arguments.contexts)));
        for (std::size_t i = 0; i < arguments.connections; ++i)
            open(*contexts_[i % contexts_.size()], arguments.port());
    }

    void make(std::vector<Caller>& callers) override {
        std::vector<std::exception_ptr> failures(callers.size());
        for (std::size_t i = 0; i < callers.size(); ++i)
            asio::co_spawn(open_[i]->stream.get_executor(), callInTurn(open_[i].get(), &callers[i]),
                           [failure = &failures[i]](std::exception_ptr error) { *failure = error; });
        for (const auto& io : contexts_) io->restart();
        onThreads(threads_, [this](std::size_t thread) { contexts_[thread % contexts_.size()]->run(); });
        for (const std::exception_ptr& failure : failures)
            if (failure) std::rethrow_exception(failure);
    }

private:
    using Executor = std::remove_cvref_t<decltype(std::declval<Stream&>().get_executor())>;
    static constexpr bool encrypted = std::is_same_v<Stream, TlsStream<Executor>>;

    struct Connection {
        explicit Connection(Stream made) : stream(std::move(made)) { buffer.reserve(encrypted ? 16 * 1024 : 4 * 1024); }
        Stream stream;
        boost::beast::flat_buffer buffer;
        Gunzip gunzip;
    };

    asio::awaitable<void, Executor> callInTurn(Connection* connection, Caller* caller) {
        boost::system::error_code ec;
        auto token = asio::redirect_error(asio::use_awaitable_t<Executor>(), ec);
        do {
            co_await http::async_write(connection->stream, request_, token);
            if (ec) throw boost::system::system_error(ec, "writing");
            http::response<http::string_body> response;
            co_await http::async_read(connection->stream, connection->buffer, response, token);
            if (ec) throw boost::system::system_error(ec, "reading");
            std::string_view text = response.body();
            if (response[http::field::content_encoding] == "gzip") text = connection->gunzip(text);
            if (response.result_int() != 200 || !(stack_ ? isProductOnStack(text) : isProduct(text)))
                throw std::runtime_error("raw Beast got another answer");
        } while (caller->again());
    }

    void open(asio::io_context& io, std::uint16_t port) {
        TcpStream<Executor> socket = newSocket(io);
        socket.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port));
        socket.set_option(asio::ip::tcp::no_delay(true));
        if constexpr (encrypted) {
            Stream stream(std::move(socket), tls_);
            SSL_set_tlsext_host_name(stream.native_handle(), "localhost");
            stream.set_verify_callback(asio::ssl::host_name_verification("localhost"));
            stream.handshake(asio::ssl::stream_base::client);
            open_.push_back(std::make_unique<Connection>(std::move(stream)));
        } else {
            open_.push_back(std::make_unique<Connection>(std::move(socket)));
        }
    }

    static TcpStream<Executor> newSocket(asio::io_context& io) {
        if constexpr (std::is_same_v<Executor, OnStrand>)
            return TcpStream<Executor>(asio::make_strand(io));
        else
            return TcpStream<Executor>(io.get_executor());
    }

    std::size_t threads_;
    bool stack_;
    asio::ssl::context tls_;
    http::request<http::empty_body> request_;
    std::vector<std::unique_ptr<asio::io_context>> contexts_;
    std::vector<std::unique_ptr<Connection>> open_;
};

}  // namespace wix::bench
