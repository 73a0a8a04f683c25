// A TCP proxy on loopback that disturbs what passes, byte by byte. It knows nothing of TLS or HTTP.
//
//     ToxicProxy proxy(fake.port());
//     options.apiUrl = "https://localhost:" + std::to_string(proxy.port());
//     Toxics toxics;
//     toxics.limitData = 100;
//     proxy.set(Direction::downstream, toxics);
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "support/toxic_pipe.hpp"

namespace wix::test {

enum class Direction {
    upstream,    ///< From the client to the server.
    downstream,  ///< From the server to the client.
};

/// One connection, from 1 in the order in which they came.
using ConnectionNumber = std::size_t;

struct ConnectionCounts {
    ConnectionCounts() = default;
    bool open = false;
    bool heldUpstream = false;  ///< Bytes wait at a barrier.
    bool heldDownstream = false;
    std::uint64_t upstream = 0;  ///< Bytes that passed.
    std::uint64_t downstream = 0;
    /// How often the client spoke for the first time, or after it had been told something: each but the first of these
    /// may have waited for a round trip.
    std::uint64_t flights = 0;
};

struct ProxyCounts {
    ProxyCounts() = default;
    std::vector<ConnectionCounts> connections;  ///< All that came, the first one first.

    std::size_t accepted() const noexcept { return connections.size(); }
    std::size_t open() const noexcept;
    std::size_t held(Direction) const noexcept;
    std::uint64_t bytes(Direction) const noexcept;
    std::uint64_t flights() const noexcept;
};

/// It serves from construction to destruction, on a thread of its own. Same seed, same dice for the n-th connection.
///
/// All member functions may be called from any thread. What they do has been done when they return.
class ToxicProxy {
public:
    /// Listens on a free port of 127.0.0.1, and leads to `upstreamPort` of 127.0.0.1.
    explicit ToxicProxy(std::uint16_t upstreamPort, std::uint64_t seed = 1);
    ~ToxicProxy();
    ToxicProxy(const ToxicProxy&) = delete;
    ToxicProxy& operator=(const ToxicProxy&) = delete;

    std::uint16_t port() const noexcept;

    /// For all connections, open ones and those to come.
    void set(Direction direction, const Toxics& toxics);
    /// For one connection. It may be one that comes later; what is set for all after this counts for it too.
    void set(ConnectionNumber number, Direction direction, const Toxics& toxics);
    /// No toxics in either direction, for any connection.
    void clear();
    /// Lets pass what waits at barriers in this direction, and what comes later. The other toxics stay.
    void release(Direction direction);

    /// Ends all connections in order. What waits in the proxy is lost. The client's machine knows when this returns.
    void closeAll();
    /// Resets all connections.
    void resetAll();
    /// Ends one direction of all connections; the other goes on.
    void halfCloseAll(Direction direction);

    ProxyCounts counts() const;
    /// Blocks until at least `count` connections wait at a barrier; false if `timeout` passes before.
    bool waitUntilHeld(Direction direction, std::size_t count, std::chrono::milliseconds timeout) const;
    /// Blocks until `isSo`, which must not call the proxy; false if `timeout` passes before.
    bool waitUntil(std::function<bool(const ProxyCounts&)> isSo, std::chrono::milliseconds timeout) const;

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace wix::test
