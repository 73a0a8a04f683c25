// What a TokenManager has while there is something to do. Included by its sources.
#pragma once

#include <boost/asio/strand.hpp>

#include <memory>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "auth/token_manager.hpp"

namespace wix::detail {

/// A caller that waits for a token. Its home is the strand of the manager's work.
class TokenManager::Wait final : public HomeOperation<result<SnapshotPtr>> {
public:
    Wait(std::shared_ptr<TokenManager> manager, Use use, const boost::asio::any_io_executor& strand, Event event,
         WaitLimits limits, bool closing)
        : HomeOperation(strand, std::move(limits)),
          closes(closing),
          manager_(std::move(manager)),
          use_(std::move(use)),
          event_(std::move(event)) {}

    void onStart() override { manager_->enter(std::static_pointer_cast<Wait>(shared_from_this())); }
    void onStop(StopReason why) override { manager_->stop(*this, why); }

    using HomeOperation::finish;
    Event takeEvent() { return std::exchange(event_, nullptr); }
    /// The state knows of it, or it has ended.
    void release() noexcept { use_.reset(); }
    WaiterId id = 0;
    const bool closes;

private:
    std::shared_ptr<TokenManager> manager_;
    Use use_;
    Event event_;
};

struct TokenManager::Work {
    /// `rest` is left as it is if this throws.
    Work(const boost::asio::any_io_executor& executor, TokenPolicy policy, TokenRest&& rest)
        : strand(boost::asio::make_strand(executor)), state(std::move(policy), std::move(rest)) {}

    const boost::asio::any_io_executor strand;
    const Use use = std::make_shared<const char>('\0');
    WaiterSlots<std::shared_ptr<Wait>> waits;
    bool performing = false;
    std::vector<CompleteAction> answered;  // who is told when everything else is done
    bool restsLater = false;

    // The storage: one call at a time.
    MonotonicTimer storageTimer{strand};
    std::uint64_t storageCall = 0;  // counts them
    bool storageRuns = false;       // one has not come back, however late
    bool storageAwaited = false;    // and it has not been given up

    // The renewal under way.
    MonotonicTimer pauseTimer{strand};
    std::optional<RenewalLease> lease;
    std::shared_ptr<void> flightSlot;
    std::stop_source dropUnsent{std::nostopstate};   // a flight that has not left
    std::stop_source abortFlight{std::nostopstate};  // any flight: the drain has taken too long
    SteadyTime flightDeadline{};                     // of the exchange and its replay

    TokenState state;  // the last to be made: it takes what is kept
};

/// Whatever it throws is its own affair.
template <class Told>
void TokenManager::observe(void (Observer::*callback)(const Told&), const Told& event) {
    if (!setup().observer) return;
    try {
        ((*setup().observer).*callback)(event);
    } catch (...) {
    }
}

}  // namespace wix::detail
