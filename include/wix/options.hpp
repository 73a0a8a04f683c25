// Everything that can be set, with its default in place. All of it is checked when a Client or a Transport is made (of
// one call: when it starts): what is malformed throws Error with Errc::invalid_argument, invalid_header or
// invalid_token that names the option and what it wants. No time span may be longer than 24 h.
#ifndef WIX_OPTIONS_HPP
#define WIX_OPTIONS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
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
    std::chrono::milliseconds resolve{5'000};  ///< Looking up the host name.
    std::chrono::milliseconds connect{5'000};  ///< Connecting, over all addresses of the host.
    std::chrono::milliseconds tls{5'000};      ///< The TLS handshake.
    /// Sending the request: so long may its next `stallBytes`, or the rest of it, take.
    std::chrono::milliseconds write{20'000};
    std::chrono::milliseconds firstByte{30'000};  ///< From the end of the request to the end of the answer's head.
    /// Receiving the rest of the answer: so long may its next `stallBytes`, or the rest of it, take.
    std::chrono::milliseconds stall{20'000};
    std::size_t stallBytes = 1024;  ///< 1 to 1 MiB. What moves fewer bytes in the time above has stalled.
    /// A whole call: waiting for a token and for a connection, retries and the answer's body included.
    std::chrono::milliseconds call{60'000};
    /// A whole exchange with the token endpoint, its one replay included. A caller may stop waiting earlier.
    std::chrono::milliseconds tokenExchange{20'000};
    /// One call of the TokenStorage. A slower one counts as unavailable: the session goes on in memory.
    std::chrono::milliseconds storage{5'000};
};

/// When a call that failed is sent again by itself. What may have been processed is only repeated if the call is
/// idempotent: GET, HEAD, OPTIONS, PUT, DELETE, a POST to a path that ends in `/query` or `/search`, a call with an
/// `Idempotency-Key` header, or CallOptions::idempotent. TransportOptions::retryReserve and retryPercent bound retries over
/// all calls.
struct WIX_EXPORT RetryOptions {
    RetryOptions() = default;
    /// Requests of one call that a server can see: 1 to 10; 1 turns retries off. There may be one more if an idle
    /// connection turns out to be closed, one more after a renewal that follows a 401, and those that redirects ask for.
    int maxAttempts = 3;
    std::chrono::milliseconds firstDelay{200};  ///< Upper bound of the first random delay; doubles each time.
    std::chrono::milliseconds maxDelay{5'000};  ///< No delay is longer. An answer that asks for more is not retried.
};

/// Of TLS.
enum class TlsVersion {
    tls1_2,
    tls1_3,
};

/// Whom TLS trusts, and who the client is. Trusted is the system's store, unless `caFile`, `caDirectory` or `caPem` is
/// given: these replace it, together. All files are read when the Transport is made.
struct WIX_EXPORT TlsOptions {
    TlsOptions() = default;
    std::string caFile;       ///< A file of PEM certificates.
    std::string caDirectory;  ///< A directory of PEM certificates with hashed names (`openssl rehash`).
    std::string caPem;        ///< PEM certificates.
    std::string extraCaPem;   ///< PEM certificates that are trusted besides the store: of a company's proxy, say.
    /// The client's own certificate for servers that ask for one: a PEM file of the certificate and its chain, and a PEM
    /// file of its private key without a passphrase. Both or none.
    std::string clientCertificateFile;
    std::string clientKeyFile;
    TlsVersion minVersion = TlsVersion::tls1_2;  ///< Older ones are refused.
    /// If not empty, the chain that was verified must also have a certificate whose public key is one of these: the
    /// base64 of the SHA-256 of its SubjectPublicKeyInfo (RFC 7469 2.4), with or without `sha256/` before it. Pin at
    /// least two keys, one of them a reserve. Of a server behind a proxy too, never of the proxy.
    std::vector<std::string> pins;
};

/// A proxy that is asked with CONNECT for a tunnel to each origin (RFC 9110 9.3.6): it sees host names and sizes, and
/// nothing of the requests. The way to the proxy itself is not encrypted.
struct WIX_EXPORT ProxyOptions {
    ProxyOptions() = default;
    /// What the environment asks for: `HTTPS_PROXY` or `https_proxy` (`http://[user:password@]host[:port]`), and
    /// `NO_PROXY` or `no_proxy`; upper case wins, an empty variable is none, and the port is 3128 if there is none. This
    /// machine itself (`localhost`) is reached without the proxy. Throws Error with Errc::invalid_argument that names the
    /// variable and never its value.
    static ProxyOptions fromEnvironment();

    std::string host;  ///< A name or an address; empty: no proxy.
    std::uint16_t port = 3128;
    std::string username;  ///< With `password` for Basic authentication, or empty.
    std::string password;
    /// Reached without the proxy: names with everything below them (`example.com`, `.example.com`), addresses, `localhost`
    /// (all loopback addresses), or `*`; with `:port` for that port only. Networks (`10.0.0.0/8`) match nothing.
    std::vector<std::string> noProxy;
};

/// Of a Transport: its connections.
struct WIX_EXPORT TransportOptions {
    TransportOptions() = default;
    TlsOptions tls;
    ProxyOptions proxy;
    std::size_t maxConnectionsPerOrigin = 64;  ///< 1 to 65535; more wait in line. Token requests may use 4 more, and
                                               ///< go first.
    std::size_t maxConnections = 256;          ///< Over all origins, idle ones included. 1 to 65535, and 4 as above.
    std::size_t maxIdlePerOrigin = 64;         ///< More are closed, the longest idle first. 0 to 65535.
    std::chrono::milliseconds maxIdleTime{30'000};  ///< A connection that was idle for longer is not used again.
    /// An older connection takes no new request, so that a name that points elsewhere is looked up again in time.
    std::chrono::milliseconds maxConnectionAge{600'000};
    std::size_t maxBackgroundRenewals = 16;  ///< Token renewals ahead of need at a time, over all clients.
    /// Token requests in progress at a time, over all clients; API calls continue beside them. Further ones are queued:
    /// first renewals that callers wait for, then new visitors, then renewals in the background, each in the order of
    /// arrival; of four in a row at least one is the oldest of a later kind. 1 to 65535.
    std::size_t maxTokenRequests = 32;
    /// Retries, resends on another connection included, are paid from a quota for each origin: so many at once, and this
    /// share of the calls. While everything fails, 1 000 calls cost at most 1 210 requests. With 0 and 0 there are none.
    std::size_t retryReserve = 10;  ///< 0 to 1000000.
    int retryPercent = 20;          ///< 0 to 100.
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
    /// So many redirects are followed; the last answer is given whatever it is. 0 to 20. 0: a redirect is an answer like
    /// any other. To another origin goes neither the visitor's authorization nor a header of ClientOptions::headers or of
    /// this call, but for `User-Agent`, `Accept` and `Accept-Language`, and no request with a body; the redirect is the answer then.
    int maxRedirects = 0;
    std::stop_token stopToken;  ///< Cancels from any thread.
};

}  // namespace wix

#endif
