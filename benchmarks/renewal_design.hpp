// One way to give many callers the tokens of one session, of those that concurrent_renewal compares.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string>

#include <wix/wix.hpp>

namespace wix::bench {

/// What all designs have: the transport with its open connection, and a session whose access token has expired.
struct ExpiredSession {
    ExpiredSession(Transport shared, ClientOptions with, Tokens expired)
        : transport(std::move(shared)), options(std::move(with)), tokens(std::move(expired)) {}
    Client client() const;

    Transport transport;
    ClientOptions options;
    Tokens tokens;
};

/// Good for one crowd: after it the tokens are fresh.
class RenewalDesign {
public:
    virtual ~RenewalDesign() = default;
    /// What a caller awaits.
    virtual boost::asio::awaitable<Tokens> tokens() = 0;
};
using DesignPtr = std::unique_ptr<RenewalDesign>;

/// The SDK: all callers share a client.
DesignPtr sharedClient(const ExpiredSession& session);

}  // namespace wix::bench
