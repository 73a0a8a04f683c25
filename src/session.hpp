// What the handles of one Client share: the composed stack.
#pragma once

#include <array>
#include <memory>
#include <string>

#include <wix/client.hpp>

#include "auth/token_manager.hpp"
#include "call/call_runner.hpp"
#include "http/http_transport.hpp"
#include "http/url.hpp"

namespace wix::detail {

/// What is the same for all sessions of a server, so that there is one of it.
struct SessionCommon {
    /// Strategy and options are checked, but for the URLs: throws Error.
    SessionCommon(std::shared_ptr<HttpTransport> transport, bool ownsTransport, OAuthStrategy strategy,
                  ClientOptions options, const Clock& clock);

    ClientOptions options;
    std::array<ApiBase, 2> bases;
    const ApiBase& api;
    const ApiBase& edge;
    std::shared_ptr<HttpTransport> transport;
    bool ownsTransport;
    const Clock* clock;
    TokenManagerSetup tokens;  ///< Without tokens and storage key.
};

class Session {
public:
    /// One by itself.
    Session(std::shared_ptr<HttpTransport> transport, bool ownsTransport, OAuthStrategy strategy, ClientOptions options,
            const Clock& clock = Clock::system());
    /// One of many. Without `initial` its tokens are those in the storage. `sessionKey` is checked.
    Session(std::shared_ptr<const SessionCommon> shared, const std::string& sessionKey,
            const Tokens& initial = Tokens());
    /// A view of `home`, which it keeps alive: it shares tokens and consistency value, and sends its calls over the transport
    /// of `shared`.
    Session(std::shared_ptr<const SessionCommon> shared, const std::shared_ptr<Session>& home);
    /// close() without waiting. Destroying a view closes nothing.
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// What a call needs.
    CallEnvironment calls() const;

    const std::shared_ptr<const SessionCommon> common;
    const std::shared_ptr<TokenManager> tokens;
    const std::shared_ptr<Consistency> consistency;

private:
    const bool isView_ = false;
};

using SessionPtr = std::shared_ptr<Session>;

/// What a caller asks for, not checked yet.
struct CallDraft {
    CallDraft(std::string method, std::string target, CallOptions options)
        : method(std::move(method)), target(std::move(target)), options(std::move(options)) {}

    std::string method;
    std::string target;
    std::string body;
    std::shared_ptr<BodySource> source;
    std::string contentType;
    CallOptions options;
    bool acceptsJson = false;  ///< Says so with `Accept`, unless the caller does.
};

/// A checked request, ready for the wire but for its authorization. Method, target and the options but for their headers
/// stay in `draft`.
result<std::shared_ptr<WireRequest>> prepare(const Session& session, CallDraft& draft, const ApiBase& relativeTo);
result<std::shared_ptr<WireRequest>> prepare(const Session& session, const Request& request, const ApiBase& relativeTo);

}  // namespace wix::detail
