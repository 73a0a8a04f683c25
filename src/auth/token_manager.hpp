// The driver of TokenState: one strand, one flight, the waiters.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include <wix/observer.hpp>
#include <wix/options.hpp>
#include <wix/token_storage.hpp>

#include "async/home_operation.hpp"
#include "auth/control_visitor.hpp"
#include "auth/token_state.hpp"
#include "auth/waiter_slots.hpp"
#include "base/clock.hpp"
#include "http/transport_interface.hpp"

namespace wix::detail {

/// What the manager needs besides its policy. One may serve thousands of managers.
struct TokenManagerSetup {
    TokenManagerSetup() = default;
    OAuthStrategy strategy;  ///< Checked. What belongs to one session is not taken from here, if many share it.
    std::string storageKey;  ///< The same.
    WireRequest request;     ///< Of a token exchange, but for its body.
    std::shared_ptr<TransportInterface> transport;
    /// The control of this client and transport, when it is needed. Null: an ambiguous refusal never ends a session.
    std::function<std::shared_ptr<ControlVisitor>()> control;
    std::shared_ptr<Observer> observer;  ///< May be null.
    const Clock* clock = &Clock::system();
};

/// The tokens of one session. It has a strand, a state machine and timers while there is something to do; at rest it is
/// little more than its tokens, since a server has thousands. All functions may be called from any thread. Operations may be cancelled; the exchange that
/// they wait for goes on.
class TokenManager final : public ContextBound {
public:
    TokenManager(const boost::asio::any_io_executor& executor, TokenManagerSetup setup);
    /// One of many: `initial` and `storageKey` are its own.
    TokenManager(const boost::asio::any_io_executor& executor, std::shared_ptr<const TokenManagerSetup> setup,
                 std::string storageKey, const Tokens& initial);
    ~TokenManager() override;

    /// Begins when it is awaited, as an awaitable; but it has no coroutine, for there may be thousands.
    using Operation = HomeOperation<result<SnapshotPtr>>::Deferred;

    /// A token that may be used now, without waiting and without a strand hop; null if it takes more. Starts a renewal
    /// ahead of need, and the repetition of a save that has failed.
    SnapshotPtr fresh();
    Operation usable(WaitLimits limits);
    /// After a 401 for `generation`: a newer set; the same one if another renewal would not help.
    Operation afterUnauthorized(std::uint64_t generation, WaitLimits limits);
    Operation renew(WaitLimits limits);
    Operation renew(RefreshToken refreshToken, WaitLimits limits);
    Operation active(WaitLimits limits);
    Operation adopt(Tokens tokens, bool thenGet, WaitLimits limits);

    /// Ends with the last exchange and save, after 5 s at the latest.
    Operation close();
    /// The same without waiting.
    void abandon() noexcept;

    /// Nothing is under way or about to be, nobody waits, everything is saved, and no failure is to be remembered. It is
    /// when the last who waited goes on.
    bool isIdle();
    /// Tries to save what could not be saved, if there is such a thing and it is time for that.
    void saveAgain();
    bool isClosed() const noexcept { return closed_; }
    /// The context has been destroyed: every operation fails with operation_aborted.
    bool hasLostContext();
    /// After the loss of the context: the tokens that had not been saved; null: none.
    std::unique_ptr<UnsavedTokens> takeUnsavedTokens();
    /// Continues such a session, before the first use.
    void begin(std::unique_ptr<UnsavedTokens> unsaved);
    /// There is nothing to close.
    bool isAtRest();
    const std::string& storageKey() const noexcept { return storageKey_; }

    void contextGone() noexcept override;

private:
    class Wait;
    using Event = std::function<void(TokenState&, WaiterId, Moment)>;

    Operation wait(Event event, WaitLimits limits, bool closes = false);
    template <class Function>
    bool postHome(Function function);
    std::shared_ptr<TokenManager> self();
    void enter(std::shared_ptr<Wait> wait);
    void stop(Wait& wait, StopReason why);

    void perform();
    void perform(LoadAction&);
    void perform(LeaseAction&);
    void perform(PauseAction&);
    void perform(SaveAction&);
    void perform(ExchangeAction&);
    void perform(RequestControlAction&);
    void perform(PublishAction&);
    void perform(CompleteAction&);
    void answer();
    void perform(DropUnsentAction&);
    void perform(ObserveAction&);
    template <class Told>
    void observe(void (Observer::*callback)(const Told&), const Told& event);
    static boost::asio::awaitable<void> load(std::shared_ptr<TokenManager> self);
    static boost::asio::awaitable<void> save(std::shared_ptr<TokenManager> self, SaveAction action);
    static boost::asio::awaitable<void> lease(std::shared_ptr<TokenManager> self, std::chrono::milliseconds life);
    enum class StorageCall { load, lease, save };
    bool beginStorageCall(StorageCall call);
    void watchStorageCall(StorageCall call, SteadyTime deadline);
    bool endStorageCall();
    void storageIsLate(StorageCall call);
    void storageCannotStart(StorageCall call);
    static boost::asio::awaitable<void> exchange(std::shared_ptr<TokenManager> self, ExchangeAction action);
    static boost::asio::awaitable<void> askControl(std::shared_ptr<TokenManager> self);
    bool takeSlot() noexcept;
    void refuseBackground();
    void landed();
    void pokeAhead(std::uint64_t generation, BootTime now);

    struct Work;
    /// Whoever has one is about to use the work: it stays.
    using Use = std::shared_ptr<const void>;
    Work& workForUse();
    void tellWhetherQuiet() noexcept;
    void restLater();
    void rest();

    const TokenManagerSetup& setup() const noexcept { return *setup_; }

    const std::shared_ptr<const TokenManagerSetup> setup_;
    const std::string storageKey_;
    std::mutex mutex_;                       // guards the next five, and that the context does not go meanwhile
    boost::asio::any_io_executor executor_;  // none once its context has gone
    std::unique_ptr<Work> work_;             // what it points to belongs to its strand
    std::unique_ptr<Tokens> initial_;        // until there is work for the first time
    std::unique_ptr<UnsavedTokens>
        carried_;     // the same, of a session that has lost its context; or of this one, if it has
    TokenRest rest_;  // if there is no work
    SnapshotPtr published_;

    BootTime refusedUntil_{};  // no slot was free; on the strand
    std::atomic<bool> closed_{false};
    static constexpr BootTime::rep never = BootTime::max().time_since_epoch().count();
    std::atomic<BootTime::rep> quietFrom_{0};
    std::atomic<bool> unsaved_{false};
    std::atomic<bool> ahead_{false};  // a renewal ahead of need has been asked for
    std::atomic<BootTime::rep> aheadNotBefore_{0};
};

}  // namespace wix::detail
