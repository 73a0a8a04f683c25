// The real token manager and the real call runner, with everything around them simulated.
#pragma once

#include <boost/asio/io_context.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "call/call_runner.hpp"
#include "ledger.hpp"
#include "network.hpp"
#include "setup.hpp"

namespace wix::simulation {

/// Two contexts: the SDK's home, and that of its callers, so that either may be slower than the other.
class Stage {
public:
    Stage(std::uint64_t seed, const Setup& setup);
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    using Ask = std::function<detail::TokenManager::Operation(detail::TokenManager&, detail::WaitLimits)>;
    /// Spawns a caller. `limit` is the time that it is ready to wait.
    std::shared_ptr<Caller> spawn(Caller::Wants wants, std::chrono::nanoseconds limit, Ask ask);
    /// The same for one that sets another session: `visitor`, or none.
    std::shared_ptr<Caller> spawnChange(Caller::Wants wants, int visitor, Ask ask);
    void spawnCall(std::chrono::nanoseconds limit, unsigned refusals);

    void drain();
    void runOne(bool atHome);
    void pass(std::chrono::nanoseconds time);
    /// The machine is suspended; what is due runs afterwards, as the story says.
    void suspend(std::chrono::nanoseconds time);
    bool isResting();
    /// Whether a request is in flight.
    bool isBusy() const;

    /// The exchange that is in flight ends.
    void answer(Answer answer);
    void process();
    void lose(bool sent, bool processed);

    void destroyHome();
    /// The last handle goes.
    void dropManager();

    World world;
    Endpoint endpoint;
    std::shared_ptr<Storage> storage;  // may be null
    Ledger ledger;
    std::shared_ptr<Network> network = std::make_shared<Network>();
    std::shared_ptr<ControlNetwork> controlNetwork = std::make_shared<ControlNetwork>();
    std::deque<std::shared_ptr<Caller>> callers;
    std::uint64_t replays = 0;
    std::weak_ptr<detail::TokenManager> alive;
    std::shared_ptr<detail::TokenManager> manager;

private:
    static boost::asio::awaitable<void> wait(Stage* stage, std::shared_ptr<Caller> caller,
                                             std::shared_ptr<detail::TokenManager> tokens, Ask ask);
    static boost::asio::awaitable<void> call(Stage* stage, std::shared_ptr<Caller> caller,
                                             std::shared_ptr<detail::TokenManager> tokens);
    std::shared_ptr<Caller> add(Caller::Wants wants, std::chrono::nanoseconds limit);
    void launch(const std::shared_ptr<Caller>& caller, boost::asio::awaitable<void> coroutine);
    detail::HttpReply answerCall(const detail::WireRequest& request);
    detail::HttpReply answerControl(const std::string& body);

    std::optional<boost::asio::io_context> home_;
    std::optional<boost::asio::io_context> callersContext_;
    std::shared_ptr<detail::Consistency> consistency_ = std::make_shared<detail::Consistency>();
    bool forbidden_ = false;
    bool wasSuspended_ = false;
    MonotonicTime refusedAt_{};  // when an odd error, or the control after it, was last answered
    unsigned refusals_ = 0;      // API calls that are refused although their token is valid
};

}  // namespace wix::simulation
