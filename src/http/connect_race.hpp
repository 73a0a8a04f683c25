// Which address of a name is tried when (RFC 8305, "Happy Eyeballs"). Pure.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace wix::detail {

using Endpoint = boost::asio::ip::tcp::endpoint;

/// Families in turn, beginning with the first one's; the order within a family stays (RFC 8305 4).
std::vector<Endpoint> inTurn(const std::vector<Endpoint>& endpoints);

/// One attempt after the other, each `attemptDelay` after the one before, or at once when one fails; the first that
/// connects wins. An address that swallows everything costs a quarter of a second, not the whole deadline.
class ConnectRace {
public:
    static constexpr std::chrono::milliseconds attemptDelay{250};  // RFC 8305 8

    enum class Next {
        start,    ///< Begin the attempt `startNext()`, and set the timer to attemptDelay.
        wait,     ///< For an attempt, or for the timer if it is set.
        allLost,  ///< No attempt is left.
    };

    explicit ConnectRace(std::size_t attempts) : attempts_(attempts) {}

    Next begin() const noexcept { return canStart() ? Next::start : Next::allLost; }
    Next timerFired() const noexcept { return canStart() ? Next::start : Next::wait; }
    Next attemptFailed() noexcept {
        --running_;
        if (canStart()) return Next::start;
        return running_ > 0 ? Next::wait : Next::allLost;
    }
    std::size_t startNext() noexcept {
        ++running_;
        return next_++;
    }
    bool canStart() const noexcept { return next_ < attempts_; }

private:
    std::size_t attempts_;
    std::size_t next_ = 0;
    std::size_t running_ = 0;
};

}  // namespace wix::detail
