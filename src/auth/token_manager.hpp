// The driver of TokenState: one strand, one flight, the waiters.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include <wix/observer.hpp>
#include <wix/options.hpp>
#include <wix/token_storage.hpp>

#include "async/home_operation.hpp"
#include "auth/token_state.hpp"
#include "auth/waiter_slots.hpp"
#include "base/clock.hpp"
#include "http/transport_interface.hpp"

namespace wix::detail {

/// What the manager needs besides its policy.
struct TokenManagerSetup {
    TokenManagerSetup() = default;
    OAuthStrategy strategy;  ///< Checked.
    std::string storageKey;
    WireRequest request;  ///< Of a token exchange, but for its body.
    std::shared_ptr<TransportInterface> transport;
    std::shared_ptr<Observer> observer;  ///< May be null.
    const Clock* clock = &Clock::system();
};

/// The tokens of one session. All functions may be called from any thread. Operations may be cancelled; the exchange that
/// they wait for goes on.
class TokenManager final : public ContextBound {
public:
    TokenManager(const boost::asio::any_io_executor& executor, TokenManagerSetup setup);

    /// Begins when it is awaited, as an awaitable; but it has no coroutine, for there may be thousands.
    using Operation = HomeOperation<result<SnapshotPtr>>::Deferred;

    /// A token that may be used now, without waiting and without a strand hop; null if it takes more. Starts a renewal
    /// ahead of need.
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
    void abandon();

    /// Nothing is under way, nobody waits, and everything is saved.
    bool isQuiet() const noexcept { return quiet_; }

    void contextGone() noexcept override;

private:
    class Wait;
    using Event = std::function<void(TokenState&, WaiterId, Moment)>;

    Operation wait(Event event, WaitLimits limits, bool closes = false);
    template <class Function>
    bool postHome(Function function);
    std::shared_ptr<TokenManager> self();
    void enter(std::shared_ptr<Wait> wait);
    void leave(WaiterId id);

    void perform();
    void perform(LoadAction&);
    void perform(LeaseAction&);
    void perform(PauseAction&);
    void perform(SaveAction&);
    void perform(ExchangeAction&);
    void perform(PublishAction&);
    void perform(CompleteAction&);
    void perform(DropUnsentAction&);
    void perform(ObserveAction&);
    template <class Told>
    void observe(void (Observer::*callback)(const Told&), const Told& event);
    static boost::asio::awaitable<void> load(std::shared_ptr<TokenManager> self);
    static boost::asio::awaitable<void> save(std::shared_ptr<TokenManager> self, SaveAction action);
    static boost::asio::awaitable<void> lease(std::shared_ptr<TokenManager> self, std::chrono::milliseconds life);
    enum class StorageCall { load, lease, save };
    bool beginStorageCall(StorageCall call);
    bool endStorageCall();
    void storageIsLate(StorageCall call);
    void storageCannotStart(StorageCall call);
    static boost::asio::awaitable<void> exchange(std::shared_ptr<TokenManager> self, ExchangeAction action);
    bool takeSlot() noexcept;
    void refuseBackground();
    void landed();
    void pokeAhead(std::uint64_t generation, BootTime now);

    TokenManagerSetup setup_;
    std::mutex strandMutex_;               // held while the strand is used from outside, and while it goes
    boost::asio::any_io_executor strand_;  // guards everything down to the next gap

    TokenState state_;
    WaiterSlots<std::shared_ptr<Wait>> waits_;
    std::stop_source dropUnsent_;  // a flight that has not left
    std::optional<MonotonicTimer> storageTimer_;
    std::optional<MonotonicTimer> pauseTimer_;
    std::optional<RenewalLease> lease_;  // of the renewal under way
    std::uint64_t storageCall_ = 0;      // counts them
    bool storageRuns_ = false;           // one has not come back, however late
    bool storageAwaited_ = false;        // and it has not been given up
    std::stop_source abortFlight_;       // any flight: the drain has taken too long
    SteadyTime flightDeadline_{};        // of the exchange and its replay
    std::shared_ptr<void> flightSlot_;
    BootTime refusedUntil_{};  // no slot was free
    bool closed_ = false;
    bool performing_ = false;

    std::mutex publishedMutex_;
    SnapshotPtr published_;
    std::atomic<bool> quiet_{true};
    std::atomic<bool> ahead_{false};  // a renewal ahead of need has been asked for
    std::atomic<BootTime::rep> aheadNotBefore_{0};
};

}  // namespace wix::detail
