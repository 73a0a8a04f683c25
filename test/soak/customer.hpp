// One visitor who calls and calls, and looks at every answer.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <wix/wix.hpp>

#include <chrono>
#include <string>

#include "tally.hpp"
#include "weather.hpp"

namespace wix::soak {

using Time = std::chrono::steady_clock::time_point;

/// All of it runs on one thread, that of `transport`.
class Customer {
public:
    Customer(const Transport& transport, ClientOptions options, Tokens tokens, std::string name, std::uint64_t seed);

    /// Calls until `end`. Every call ends with an answer or a typed error, soon after its time is up.
    boost::asio::awaitable<void> shop(Time end);
    /// In good weather again: everything works, and it is the same visitor.
    boost::asio::awaitable<void> leave(Time giveUp);

    const Tally& tally() const noexcept { return tally_; }
    /// Whether it is in one of the above.
    bool isBusy() const noexcept { return busy_; }

private:
    boost::asio::awaitable<void> call();
    boost::asio::awaitable<void> renew();
    boost::asio::awaitable<void> pause(std::chrono::milliseconds time);
    Request nextRequest(bool& sentOnce, std::string& marker);
    void checkAnswer(const Response& response, const std::string& marker);
    void checkCart(const Response& response);
    void checkTokens(const Tokens& tokens);
    void checkTime(Time begin, std::chrono::milliseconds timeout, const std::string& what);

    Client client_;
    std::string name_;
    Random random_;
    boost::asio::steady_timer timer_;
    Tokens first_;
    std::uint64_t calls_ = 0;
    std::size_t linesSeen_ = 0;
    bool busy_ = false;
    Tally tally_;
};

}  // namespace wix::soak
