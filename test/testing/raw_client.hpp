// A blocking HTTP/1.1 client of a few lines, so that the fake is judged by something that is not our SDK.
#ifndef WIX_TEST_TESTING_RAW_CLIENT_HPP
#define WIX_TEST_TESTING_RAW_CLIENT_HPP

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace raw {

struct Answer {
    int status = 0;         ///< 0: the connection ended before a complete head.
    bool complete = false;  ///< The body is as long as the head says.
    bool ordered = false;   ///< If the connection ended: with close_notify.
    std::string head;
    std::string body;

    std::string header(std::string_view name) const {
        const std::string wanted = "\r\n" + std::string(name) + ": ";
        const auto at = head.find(wanted);
        if (at == std::string::npos) return {};
        const auto begin = at + wanted.size();
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }
    boost::json::value json() const { return boost::json::parse(body); }
};

/// OpenSSL writes without MSG_NOSIGNAL. The signal is kept from this thread only: whether the SDK under test raises
/// one is for its own tests to see.
class NoSigpipe {
public:
    NoSigpipe() {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~NoSigpipe() {
        const timespec now{};
        while (sigtimedwait(&pipe_, nullptr, &now) > 0) {
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    NoSigpipe(const NoSigpipe&) = delete;
    NoSigpipe& operator=(const NoSigpipe&) = delete;

private:
    sigset_t pipe_;
    sigset_t before_;
};

/// One connection. Every wait ends after five seconds.
class Client {
public:
    /// An empty `caPem` is plain TCP.
    Client(std::uint16_t port, const std::string& caPem, const char* host = "localhost") {
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        timeval limit{};
        limit.tv_sec = 5;
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("cannot connect");
        }
        if (!caPem.empty()) handshake(caPem, host);
    }
    ~Client() {
        ssl_.reset();
        ::close(socket_);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// X509_V_OK, or why the certificate is refused; -1 if the handshake failed for another reason.
    long verifyResult() const { return verifyResult_; }

    bool send(std::string_view bytes) {
        const NoSigpipe guard;
        if (ssl_) return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
        return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
    }

    Answer receive() {
        Answer answer;
        std::string bytes = std::move(rest_);
        std::size_t end = std::string::npos;
        while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
            if (!read(bytes, answer)) {
                answer.body = bytes;
                return answer;
            }
        }
        answer.head = bytes.substr(0, end + 2);
        answer.status = std::atoi(answer.head.substr(9, 3).c_str());
        const std::size_t size = static_cast<std::size_t>(std::atol(answer.header("Content-Length").c_str()));
        bytes.erase(0, end + 4);
        while (bytes.size() < size && read(bytes, answer)) {
        }
        answer.complete = bytes.size() >= size;
        answer.body = bytes.substr(0, size);
        rest_ = answer.complete ? bytes.substr(size) : std::string();
        return answer;
    }

    Answer call(std::string_view method, std::string_view target, std::string_view body = "",
                std::string_view headers = "") {
        return send(text(method, target, body, headers)) ? receive() : Answer();
    }

    static std::string text(std::string_view method, std::string_view target, std::string_view body = "",
                            std::string_view headers = "") {
        std::string request;
        request.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(headers);
        if (!body.empty()) request.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
        return request.append("\r\n").append(body);
    }

private:
    struct Free {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
        void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    };

    void handshake(const std::string& caPem, const char* host) {
        const NoSigpipe guard;
        const std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_client_method()));
        BIO* bio = BIO_new_mem_buf(caPem.data(), static_cast<int>(caPem.size()));
        X509* ca = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), ca);
        X509_free(ca);
        BIO_free(bio);
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
        ssl_.reset(SSL_new(context.get()));
        SSL_set1_host(ssl_.get(), host);
        SSL_set_tlsext_host_name(ssl_.get(), host);
        SSL_set_fd(ssl_.get(), socket_);
        verifyResult_ = SSL_connect(ssl_.get()) == 1 ? X509_V_OK : SSL_get_verify_result(ssl_.get());
    }

    bool read(std::string& into, Answer& answer) {
        const NoSigpipe guard;  // a TLS read may write too
        char bytes[8192];
        const long size = ssl_ ? SSL_read(ssl_.get(), bytes, sizeof bytes) : ::recv(socket_, bytes, sizeof bytes, 0);
        if (size <= 0) {
            answer.ordered = !ssl_ ? size == 0 : SSL_get_shutdown(ssl_.get()) == SSL_RECEIVED_SHUTDOWN;
            ERR_clear_error();
            return false;
        }
        into.append(bytes, static_cast<std::size_t>(size));
        return true;
    }

    int socket_ = -1;
    std::unique_ptr<SSL, Free> ssl_;
    long verifyResult_ = -1;
    std::string rest_;
};

}  // namespace raw

#endif
