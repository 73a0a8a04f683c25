// What the handles of one Client share: the composed stack.
#pragma once

#include <memory>
#include <vector>

#include <wix/client.hpp>

#include "auth/token_manager.hpp"
#include "call/call_runner.hpp"
#include "http/http_transport.hpp"
#include "http/url.hpp"

namespace wix::detail {

class Session {
public:
    Session(std::shared_ptr<HttpTransport> transport, bool ownsTransport, OAuthStrategy strategy, ClientOptions options,
            const Clock& clock = Clock::system());
    /// close() without waiting.
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    ClientOptions options;
    ApiBase api;
    ApiBase edge;
    std::shared_ptr<HttpTransport> transport;
    bool ownsTransport;
    CallEnvironment calls;
};

using SessionPtr = std::shared_ptr<Session>;

/// A checked request, ready for the wire but for its authorization.
result<WireRequest> prepare(const Session& session, const Request& request, const ApiBase& relativeTo);

}  // namespace wix::detail
