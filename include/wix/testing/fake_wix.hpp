// A Wix on loopback, for the tests of programs that talk to Wix Headless.
//
//     wix::testing::FakeWix wix;
//     options.apiUrl = wix.url();
//     options.transport.tls.caPem = wix.caPem();
//     wix.failNext("products", 2, wix::testing::ScriptedReply(503));
//
// It speaks the protocol, not the SDK: curl and the JavaScript SDK work against it as well. What it knows of Wix is
// documentation and observation, so a test against it proves agreement with those, not with the live service.
#ifndef WIX_TESTING_FAKE_WIX_HPP
#define WIX_TESTING_FAKE_WIX_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wix::testing {

/// What is wrong with the certificate that the server shows.
enum class Certificate {
    valid,      ///< For localhost, 127.0.0.1, ::1, www.wixapis.com and edge.wixapis.com.
    wrongHost,  ///< For another name only.
    expired,    ///< Its validity ended yesterday.
};

/// Where a connection is cut. No TLS close_notify is sent. From `afterRequest` on the request has taken effect.
enum class CutPoint {
    beforeRequest,  ///< When the head of the request has arrived. The request has no effect.
    afterRequest,   ///< When the whole request has arrived. No byte of the answer is sent.
    afterHeaders,   ///< After the head of the answer.
    midBody,        ///< After the first half of the answer's body.
};

/// Where a held request waits.
enum class HoldPoint {
    beforeEffect,  ///< It has arrived and changed nothing yet.
    beforeReply,   ///< It has taken effect, and no byte of the answer is sent yet.
};

/// How the server starts. Everything else can be changed while it serves.
struct FakeWixOptions {
    FakeWixOptions() = default;
    bool tls = true;         ///< False serves plain HTTP.
    std::uint16_t port = 0;  ///< On 127.0.0.1. 0 takes a free one.
    Certificate certificate = Certificate::valid;
    /// A file that keeps visitors, tokens, carts and checkouts over restarts; empty: memory only. It is made with mode
    /// 0600, and replaced atomically after each change. A damaged one is left as it is, and the constructor throws.
    std::string stateFile;
    std::chrono::seconds accessTokenLifetime{14'400};
    std::size_t maxBodyBytes = 1u << 20;            ///< A request with a longer body is answered with 413.
    std::chrono::milliseconds idleTimeout{60'000};  ///< A connection that is silent for longer is closed.
};

/// What happens to the refresh token at a renewal.
struct Rotation {
    Rotation() = default;
    Rotation(bool rotates, std::chrono::seconds graceTime, bool revokesOnReuse = false)
        : enabled(rotates), grace(graceTime), reuseRevokes(revokesOnReuse) {}

    bool enabled = false;           ///< Each renewal gives a new refresh token and retires the one that was sent.
    std::chrono::seconds grace{0};  ///< So long the retired one gives the same new pair once more.
    bool reuseRevokes = false;      ///< A retired one, sent after that, also ends the visitor's session.
};

/// An answer that a test dictates. It is sent as it is, never compressed.
struct ScriptedReply {
    ScriptedReply() = default;
    explicit ScriptedReply(int code, std::string content = std::string(),
                           std::vector<std::pair<std::string, std::string>> fields = {})
        : status(code), body(std::move(content)), headers(std::move(fields)) {}

    int status = 503;
    std::string body;  ///< JSON, HTML, anything. Without a Content-Type header it is announced as JSON or HTML.
    std::vector<std::pair<std::string, std::string>> headers;  ///< Such as Retry-After.
};

/// A request as it arrived. It holds tokens: for assertions in tests, never for a log.
struct ReceivedRequest {
    ReceivedRequest() = default;
    /// The value of the first field with this name, whatever its case; empty if there is none.
    std::string header(std::string_view name) const;

    std::string method;
    std::string target;  ///< Path and query.
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;  ///< Empty if the connection was cut before it was read; at most its first 64 KiB.
};

/// The cart of one visitor, in figures.
struct CartSummary {
    CartSummary() = default;
    std::string visitorId;
    std::size_t lines = 0;
    std::int64_t items = 0;  ///< The sum of the quantities.
};

/// What has happened so far. `GET /_fake/state` gives the same as JSON.
struct FakeWixState {
    FakeWixState() = default;
    std::map<std::string, std::uint64_t> requests;  ///< By endpoint: heads that arrived.
    std::map<std::string, std::uint64_t> tokens;    ///< By grant (`anonymous`, `refresh_token`): pairs given out.
    std::uint64_t visitors = 0;
    std::vector<CartSummary> carts;
    std::uint64_t reservations = 0;  ///< That hold tickets now.
    std::uint64_t openConnections = 0;
    std::uint64_t totalConnections = 0;     ///< Accepted since the start.
    std::uint64_t rateLimited = 0;          ///< Requests answered with 429 by the rate limit.
    std::uint64_t consistencyIssued = 0;    ///< `X-Wix-Consistent` values sent.
    std::uint64_t consistencyReplayed = 0;  ///< Requests that carried their visitor's latest value.
    std::uint64_t consistencyForeign = 0;   ///< Requests that carried any other value.
};

/// The server. It serves from construction to destruction, on a thread of its own.
///
/// Endpoints are named `token`, `token-info`, `products`, `cart`, `events`, `tickets` (those on sale),
/// `reservations`, `redirect`, `graphql`, `unknown` (every other path) and `*` (all of them; the more specific name
/// wins). An unknown name throws std::invalid_argument. `/_fake/...` is none of them: it is neither counted nor
/// disturbed. `POST /_fake/config` has these knobs for tests in other languages: see docs/fake.md.
///
/// Any GUID is a client id. The shop has ten products, one of them sold out, three events with tickets for two of
/// them, and the coupon `TENOFF`; their ids are the same in every fake.
///
/// Thread safety: every member function may be called from any thread while it serves.
class FakeWix {
public:
    /// Listens, makes a certificate authority and a certificate, and starts to serve.
    /// Throws boost::system::system_error if the port cannot be taken, std::runtime_error if OpenSSL fails, or if the state
    /// file cannot be read.
    explicit FakeWix(FakeWixOptions options = FakeWixOptions());
    /// Cuts all connections, also held requests, and waits for the thread.
    ~FakeWix();
    FakeWix(const FakeWix&) = delete;
    FakeWix& operator=(const FakeWix&) = delete;

    /// `https://localhost:PORT`, or `http://...` without TLS.
    std::string url() const;
    std::uint16_t port() const noexcept;
    /// The authority's certificate in PEM, for the client's trust store. Empty without TLS.
    std::string caPem() const;

    // ---- Tokens

    /// For tokens issued from now on.
    void setAccessTokenLifetime(std::chrono::seconds lifetime);
    /// For renewals from now on. Off at the start.
    void setRotation(Rotation rotation);
    /// Without rotation, whether a renewal's answer repeats the refresh token. Off at the start.
    void setRefreshTokenInReply(bool included);
    /// All access tokens issued so far get a 401 from now on. Refresh tokens stay good.
    void expireAccessTokens();
    /// All access and refresh tokens issued so far are refused from now on: 401, and `invalid_grant`.
    void revokeTokens();
    /// The same for one visitor's tokens. Nothing happens if there is no such visitor.
    void revokeTokens(std::string_view visitorId);
    /// Moves the server's clock forward: token lifetimes, rotation grace, rate limit, reservations.
    void advanceClock(std::chrono::seconds by);

    // ---- Faults. Each is queued: a request takes the first one of its endpoint, else the first one of `*`.

    /// The next `count` requests have no effect and get this answer.
    void failNext(std::string_view endpoint, std::size_t count, ScriptedReply reply);
    /// The next `count` requests find their connection cut.
    void cutNext(std::string_view endpoint, std::size_t count, CutPoint at);
    /// The next `count` requests have their effect, and their answers come one byte at a time, `pause` apart.
    void dripNext(std::string_view endpoint, std::size_t count, std::chrono::milliseconds pause);
    /// The next request has no effect and gets exactly these bytes; then the connection is closed in order
    /// (with close_notify), or it serves on.
    void answerRaw(std::string_view endpoint, std::string bytes, bool thenClose);
    /// Each request waits so long before it takes effect. Zero ends it.
    void setDelay(std::string_view endpoint, std::chrono::milliseconds delay);
    /// API calls (all but token requests) within one minute; more get a 429. Zero ends it.
    /// `retryAfter` adds that header, in seconds: the live service does not promise it.
    void setRateLimit(std::size_t perMinute, bool retryAfter = false);
    /// Forgets queued faults, delays and the rate limit, and releases all held requests.
    void clearFaults();

    // ---- Barriers: races without sleeping

    /// From now on requests wait at this point until release(), 60 s at most.
    void hold(std::string_view endpoint, HoldPoint at = HoldPoint::beforeEffect);
    /// Ends hold(): the requests that wait go on, later ones pass.
    void release(std::string_view endpoint);
    /// Blocks until at least `count` requests of the endpoint are held; false if `timeout` passes before.
    bool waitUntilHeld(std::string_view endpoint, std::size_t count, std::chrono::milliseconds timeout) const;

    // ---- What happened

    FakeWixState state() const;
    /// How often a request with this value of the header `X-Request-Marker` was processed, whatever came of it: not one
    /// that was answered with 401, or disturbed by a fault that says so. Answers repeat the header. A POST of a marker
    /// of its own that is counted twice was sent twice.
    std::map<std::string, std::uint64_t> markers() const;
    /// The latest 256 requests of an endpoint (of all for `*`), the oldest first. A copy: keep it in a variable.
    std::vector<ReceivedRequest> requests(std::string_view endpoint) const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace wix::testing

#endif
