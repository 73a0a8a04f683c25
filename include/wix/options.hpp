// Everything that can be set, with its default in place. All of it is checked when a Client or a Transport is made (of
// one call: when it starts): what is malformed throws Error with Errc::invalid_argument, invalid_header or
// invalid_token that names the option and what it wants. No time span may be longer than 24 h.
#ifndef WIX_OPTIONS_HPP
#define WIX_OPTIONS_HPP

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <wix/config.hpp>
#include <wix/tokens.hpp>

namespace wix {

class Observer;
class TokenStorage;

/// A header field: name and value.
using Header = std::pair<std::string, std::string>;
using Headers = std::vector<Header>;

/// Deadlines. Each must be positive. What passes one ends with Errc::timeout, and the text names the phase.
struct WIX_EXPORT Timeouts {
    Timeouts() = default;
    std::chrono::milliseconds resolve{5'000};     ///< Looking up the host name.
    std::chrono::milliseconds connect{5'000};     ///< Connecting, over all addresses of the host.
    std::chrono::milliseconds tls{5'000};         ///< The TLS handshake.
    std::chrono::milliseconds firstByte{30'000};  ///< From the end of the request to the first byte of the answer.
    /// A whole call: waiting for a token and for a connection, retries and the answer's body included.
    std::chrono::milliseconds call{60'000};
    /// A whole exchange with the token endpoint, its one replay included. A caller may stop waiting earlier.
    std::chrono::milliseconds tokenExchange{20'000};
    /// One call of the TokenStorage. A slower one counts as unavailable: the session goes on in memory.
    std::chrono::milliseconds storage{5'000};
};

/// When a call that failed is sent again by itself. What may have been processed is only repeated if the call is
/// idempotent: GET, HEAD, OPTIONS, PUT, DELETE, a POST to a path that ends in `/query` or `/search`, or
/// CallOptions::idempotent.
struct WIX_EXPORT RetryOptions {
    RetryOptions() = default;
    int maxAttempts = 3;                        ///< 1 to 10; 1 turns retries off.
    std::chrono::milliseconds firstDelay{200};  ///< Upper bound of the first random delay; doubles each time.
    std::chrono::milliseconds maxDelay{5'000};  ///< No delay is longer. An answer that asks for more is not retried.
};

/// Whom TLS trusts: the system's store, unless a file or a text of PEM certificates is given.
struct WIX_EXPORT TlsOptions {
    TlsOptions() = default;
    std::string caFile;  ///< A PEM file that replaces the system's store.
    std::string caPem;   ///< PEM certificates that replace the system's store; added to those of `caFile`.
};

/// Of a Transport: its connections.
struct WIX_EXPORT TransportOptions {
    TransportOptions() = default;
    TlsOptions tls;
    std::size_t maxConnectionsPerOrigin = 64;       ///< 1 to 65535; more wait in line. Token requests
                                                    ///< may use 4 more, and go first.
    std::chrono::milliseconds maxIdleTime{30'000};  ///< An older idle connection is not used again.
    std::size_t maxBackgroundRenewals = 16;         ///< Token renewals ahead of need at a time, over all clients.
};

/// Of a Client: where and how it calls.
struct WIX_EXPORT ClientOptions {
    ClientOptions() = default;
    std::string apiUrl = "https://www.wixapis.com";    ///< Tokens, GraphQL, and every call unless useCDN is set.
    std::string edgeUrl = "https://edge.wixapis.com";  ///< get, post, put, patch and del with useCDN.
    bool useCDN = false;                               ///< Send the JSON calls to edgeUrl.
    Headers headers;                                   ///< Added to every API call. Not to token requests.
    Timeouts timeouts;
    RetryOptions retry;
    std::size_t maxResponseBytes = 16u << 20;  ///< Of a body, before and after decompression.
    std::size_t maxHeaderBytes = 64u << 10;    ///< Of an answer's head, interim answers included.
    bool allowPlainHttpToLoopback = false;     ///< Accept http:// for 127.0.0.0/8, ::1 and localhost. For tests.
    std::shared_ptr<Observer> observer;        ///< Told of renewals and of the session's end; see observer.hpp.
    TransportOptions transport;                ///< Of the client's own transport; unused with a shared one.
};

/// What happens when a visitor's refresh token is definitely rejected. A member's is always Errc::session_expired.
enum class SessionLostPolicy {
    newVisitor,  ///< Start one new anonymous session. The old cart is out of reach: nothing can open it again.
    fail,        ///< Fail with Errc::session_lost until setTokens() starts another.
};

/// How early an access token is renewed. Both windows shrink with tokens of a short life.
struct WIX_EXPORT RenewalWindows {
    RenewalWindows() = default;
    /// In this last part of a token's life a caller waits for the renewal. At most 10 % of the life; 1 s to 5 min.
    std::chrono::seconds mandatory{60};
    /// Before that a caller starts a renewal and goes on. 20 % of the life, made up to half as long again at
    /// random, within these bounds; always less than half of the life. 1 s <= min <= max <= 1 h.
    std::chrono::seconds advisoryMin{30};
    std::chrono::seconds advisoryMax{300};
};

/// Who calls: an OAuth app of a Wix Headless project, for one visitor.
struct WIX_EXPORT OAuthStrategy {
    OAuthStrategy() = default;
    explicit OAuthStrategy(std::string id) : clientId(std::move(id)) {}

    std::string clientId;                   ///< Of the site's Headless settings. There is no client secret.
    Tokens tokens;                          ///< Of an earlier session. Wins over storage, and is saved at first use.
    std::shared_ptr<TokenStorage> storage;  ///< Where the session sleeps; none: it ends with the program.
    std::string sessionKey;                 ///< Tells sessions of one storage apart; the client id is added to it.
    SessionLostPolicy onSessionLost = SessionLostPolicy::newVisitor;
    RenewalWindows windows;
    Headers tokenRequestHeaders;  ///< Added to token requests, such as `client-binding`.
};

/// Of one call.
struct WIX_EXPORT CallOptions {
    CallOptions() = default;
    Headers headers;                                   ///< Win over ClientOptions::headers.
    std::optional<std::chrono::milliseconds> timeout;  ///< Instead of Timeouts::call.
    std::optional<bool> idempotent;                    ///< Whether the call may be repeated; see RetryOptions.
    std::stop_token stopToken;                         ///< Cancels from any thread.
};

}  // namespace wix

#endif
