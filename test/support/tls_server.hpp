// A TLS server whose certificate, versions, ticket keys and wishes a test can change while it serves.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "support/tls_pair.hpp"

namespace wix::test {

/// Answers each request with `{}` and wants the connection closed, so that the next one shakes hands again.
class TlsServer {
public:
    /// Serves on 127.0.0.1, on a thread of its own.
    explicit TlsServer(const ServerSetup& setup);
    ~TlsServer();
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    /// For connections from now on, with new ticket keys: the same server after a restart, or another one.
    void become(const ServerSetup& setup);
    std::uint16_t port() const;
    std::string url() const;

    std::atomic<int> connections{0};
    std::atomic<int> handshakes{0};  ///< That succeeded on this side.
    std::atomic<int> resumed{0};     ///< Those of them that resumed a session.
    std::atomic<int> requests{0};
    std::atomic<std::size_t> bytes{0};  ///< Of requests, complete or not.

private:
    struct Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace wix::test
