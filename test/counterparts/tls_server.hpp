// Two TLS stacks of other makers, as bare as their tools are: `openssl s_server` and gnutls-serv.
#pragma once

#include "counterparts/counterpart.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <memory>
#include <string>
#include <vector>

namespace wix::test {

class TlsServer {
public:
    enum class Stack { openssl, gnutls };

    TlsServer(Stack stack, const Site& site, std::vector<std::string> more)
        : port_(site.port()), hello_(stack == Stack::openssl ? "], ClientHello" : "CLIENT HELLO (1) was received") {
        const std::string port = std::to_string(port_);
        const std::string certificate = site.home / "certificate.pem", key = site.home / "key.pem";
        std::vector<std::string> arguments;
        if (stack == Stack::openssl) {
            arguments = {"s_server", "-accept", "127.0.0.1:" + port, "-cert", certificate, "-key", key, "-msg"};
        } else {
            // It cannot be told to listen on loopback alone. Nobody else gets more from it than this test does.
            arguments = {"--http",    "--disable-client-cert", "--port", port, "--debug=4", "--x509certfile",
                         certificate, "--x509keyfile",         key};
        }
        arguments.insert(arguments.end(), more.begin(), more.end());
        process_ = std::make_unique<ChildProcess>(
            site.home.path(), findProgram(stack == Stack::openssl ? "openssl" : "gnutls-serv"), std::move(arguments));
        process_->waitForPort(port_);
    }

    ChildProcess& process() { return *process_; }

    /// How many connections have begun a handshake so far. A connection of its own, made last and ended by the server,
    /// makes sure that all of them have been seen.
    std::size_t handshakes() {
        boost::asio::io_context io;
        boost::asio::ip::tcp::socket last(io);
        last.connect(boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), port_));
        boost::asio::write(last, boost::asio::buffer("this is not TLS\r\n\r\n", 19));
        std::string answer;
        boost::system::error_code end;
        boost::asio::read(last, boost::asio::dynamic_buffer(answer), end);
        return countOf(process_->output(), hello_);
    }

private:
    const std::uint16_t port_;
    const std::string hello_;  // what the server prints for each
    std::unique_ptr<ChildProcess> process_;
};

}  // namespace wix::test
