// What a client reports while it works: renewals of its tokens, what became of its session, and its calls.
#ifndef WIX_OBSERVER_HPP
#define WIX_OBSERVER_HPP

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <wix/abi.hpp>
#include <wix/config.hpp>
#include <wix/error.hpp>
#include <wix/tokens.hpp>

namespace wix {

/// Why the token endpoint is asked.
enum class RenewalReason {
    noSession,     ///< There are no tokens yet: a new visitor starts.
    sessionLost,   ///< The visitor's refresh token was rejected: a new visitor starts instead.
    ahead,         ///< The token is still valid: it is renewed behind the callers, who do not wait.
    expired,       ///< The token has expired, or is about to.
    unauthorized,  ///< The API answered 401.
    requested,     ///< renewToken() was called.
};

/// The enumerator's name, for logs and metrics.
WIX_EXPORT std::string_view reasonName(RenewalReason) noexcept;

/// An exchange with the token endpoint begins. Exactly one RenewalFinished or RenewalFailed of the same `attempt` follows,
/// unless the io_context ends first.
struct WIX_EXPORT RenewalStarted {
    RenewalStarted() = default;
    std::uint64_t attempt = 0;  ///< Counts the exchanges of this client from 1.
    RenewalReason reason = RenewalReason::noSession;
};

/// New tokens are active, and saved unless a SaveFailed came before.
struct WIX_EXPORT RenewalFinished {
    RenewalFinished() = default;
    std::uint64_t attempt = 0;
    RenewalReason reason = RenewalReason::noSession;
    std::chrono::nanoseconds duration{0};  ///< From the start of the exchange until the tokens were active.
    std::size_t waiters = 0;               ///< Operations that it served. 0 for most renewals ahead of need.
    bool rotated = false;                  ///< There is another refresh token than before.
};

/// An exchange brought no tokens. The session is kept; if it was the end of it a SessionLost follows.
struct WIX_EXPORT RenewalFailed {
    RenewalFailed() = default;
    std::uint64_t attempt = 0;
    RenewalReason reason = RenewalReason::noSession;
    std::chrono::nanoseconds duration{0};  ///< From the start of the exchange.
    std::size_t waiters = 0;               ///< Operations that waited for it when it ended.
    /// Why. `operation_aborted`: not wanted any more, since the session was replaced, or the client closed.
    Failure failure;
};

/// Another process that shares the storage has renewed the session meanwhile: its tokens are active now. No exchange was
/// made, so no RenewalStarted comes with it.
struct WIX_EXPORT RenewalAdopted {
    RenewalAdopted() = default;
    std::size_t waiters = 0;  ///< Operations that it served.
};

/// The refresh token was definitely rejected, and the storage has no newer one. Once for each session that ends so.
struct WIX_EXPORT SessionLost {
    SessionLost() = default;
    TokenRole role = TokenRole::none;  ///< Whose session it was.
    bool newVisitor = false;  ///< The next call that needs a token starts a new visitor: the cart is out of reach.
    Failure failure;          ///< Errc::session_lost, for a member Errc::session_expired.
};

/// New tokens are active but could not be saved: if the program ends now, the session of before is what is stored. The
/// save is tried again as the session is used, and when the client is closed.
struct WIX_EXPORT SaveFailed {
    SaveFailed() = default;
    Failure failure;
};

/// A request is sent again by the SDK, within one call: after `delay`, unless the call ends before. (A redirect that is
/// followed is another request.)
struct WIX_EXPORT RequestRetried {
    RequestRetried() = default;
    std::string request;      ///< Method, origin and path: `GET https://www.wixapis.com/stores/v3/products`. No query.
    int attempt = 1;          ///< The one that failed: requests of this call so far.
    std::string_view reason;  ///< What was decided, and why: static text, such as "a passing status".
    int status = 0;           ///< Of the answer; 0 if there was none.
    boost::system::error_code error;  ///< Set if there was no answer.
    std::chrono::milliseconds delay{0};
};

/// A call has ended. Calls that fail before anything could be sent (bad arguments, no token) are not reported.
struct WIX_EXPORT RequestFinished {
    RequestFinished() = default;
    std::string request;                   ///< As above, of the last request.
    int attempts = 0;                      ///< Requests that were made, resends on another connection not counted.
    std::string_view reason;               ///< Why it was not sent again: static text, such as "answered".
    int status = 0;                        ///< Of the answer; 0 if there was none.
    boost::system::error_code error;       ///< Set if there was no answer.
    std::string requestId;                 ///< `x-wix-request-id`, or empty.
    std::chrono::nanoseconds duration{0};  ///< Of the whole call, the wait for a token included.
};

/// Derive from it, override what interests you, and set ClientOptions::observer. No event has a token in it.
///
/// **Thread safety.** Events of a client's tokens and session come one after the other, from a thread that runs its
/// executor; an observer that several clients share is called from several threads at once if there are several. The
/// events of a call, `request...`, come from the executor of that call, so from several threads at once if calls run on several.
///
/// **Be quick**: operations of the client wait meanwhile; wrap a slow one in queued(). Operations of the client may
/// be started from a callback, but not waited for. What a callback throws is dropped. A client owns its observer: one
/// that owns the client in turn would keep both for ever.
class WIX_EXPORT Observer {
public:
    Observer() = default;
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;
    virtual ~Observer();

    virtual void renewalStarted(const RenewalStarted&);
    virtual void renewalFinished(const RenewalFinished&);
    virtual void renewalFailed(const RenewalFailed&);
    virtual void renewalAdopted(const RenewalAdopted&);
    virtual void sessionLost(const SessionLost&);
    virtual void saveFailed(const SaveFailed&);
    virtual void requestRetried(const RequestRetried&);
    virtual void requestFinished(const RequestFinished&);
};

/// An Observer that hands every event to a slower one, elsewhere.
class WIX_EXPORT QueuedObserver final : public Observer {
public:
    /// As queued().
    QueuedObserver(std::shared_ptr<Observer> slow, boost::asio::any_io_executor executor, std::size_t limit);
    ~QueuedObserver() override;

    void renewalStarted(const RenewalStarted&) override;
    void renewalFinished(const RenewalFinished&) override;
    void renewalFailed(const RenewalFailed&) override;
    void renewalAdopted(const RenewalAdopted&) override;
    void sessionLost(const SessionLost&) override;
    void saveFailed(const SaveFailed&) override;
    void requestRetried(const RequestRetried&) override;
    void requestFinished(const RequestFinished&) override;

    /// Events that were dropped because `limit` of them waited already, or because the executor's context has ended.
    /// Thread-safe.
    std::uint64_t dropped() const noexcept;

private:
    class Queue;
    std::shared_ptr<Queue> queue_;
};

/// Wraps an observer that takes its time: `slow` gets the events one after the other, in order, on `executor` (that of a
/// boost::asio::thread_pool of one thread, say), and the client never waits for it. At most `limit` events wait (at least
/// 1); more are dropped and counted. While no event waits there is no work on `executor`. The context of `executor` may
/// end at any time. `slow` must not be null (Errc::invalid_argument).
WIX_EXPORT std::shared_ptr<QueuedObserver> queued(std::shared_ptr<Observer> slow, boost::asio::any_io_executor executor,
                                                  std::size_t limit = 1024);

}  // namespace wix

#endif
