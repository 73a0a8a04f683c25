// The ways for many callers to share a session whose token has to be renewed, of those that concurrent_renewal compares.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include <wix/wix.hpp>

namespace wix::bench {

/// What all designs have: the transport with its open connections, and a session. Without tokens it is to begin.
struct SharedSession {
    SharedSession(Transport shared, ClientOptions with) : transport(std::move(shared)), options(std::move(with)) {}
    Client client() const;

    Transport transport;
    ClientOptions options;
    Tokens tokens;
};

/// Good for one crowd: after it the tokens are fresh.
class CallDesign {
public:
    virtual ~CallDesign() = default;
    /// What a caller awaits that wants its tokens alone. Throws if there are none.
    virtual boost::asio::awaitable<Tokens> tokens() = 0;
    /// What a caller awaits: one JSON call, from its token to its answer. Throws if it fails.
    virtual boost::asio::awaitable<void> call() = 0;
};
using DesignPtr = std::unique_ptr<CallDesign>;

/// `client`: the SDK, all callers share a client.
/// `every`: naive, whoever finds the token expired renews it; the callers do not know of one another.
/// `lock`: naive, whoever finds the token expired takes a lock, looks again, renews with the lock held, and hands the
/// lock on. The lock is a channel with room for one: a queue in order of arrival.
/// Throws std::invalid_argument for any other name.
DesignPtr makeDesign(std::string_view name, const SharedSession& session, std::size_t callers);

/// One call of a product.
boost::asio::awaitable<void> callProduct(Client client);

}  // namespace wix::bench
