// Calls in many sessions of VisitorSessions.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

namespace wix::bench {

inline constexpr const char* clientId = "11111111-2222-3333-4444-555555555555";

/// As long as a key in a cookie.
std::string keyOf(std::size_t number);
/// Of a key, or of the name of its record, which ends with it.
std::size_t numberOf(const std::string& key);

/// Sessions of visitors of `fake`, on a transport of their own, with room for all.
VisitorSessions sessionsOf(boost::asio::io_context& io, const testing::FakeWix& fake, OAuthStrategy strategy);

/// A call of a product in each of these sessions, by so many workers: each takes the next session, opens it, calls and
/// drops it.
class SessionCalls {
public:
    SessionCalls(VisitorSessions sessions, std::vector<std::size_t> numbers)
        : sessions_(std::move(sessions)), numbers_(std::move(numbers)), micros_(numbers_.size()) {}
    SessionCalls(const SessionCalls&) = delete;
    SessionCalls& operator=(const SessionCalls&) = delete;

    /// `this` has to outlive what it starts. An error of a call comes out of the io_context.
    void start(boost::asio::io_context& io, std::size_t workers);
    std::size_t answered() const noexcept { return answered_; }
    bool ended() const noexcept { return answered_ == numbers_.size(); }
    /// How long each took, in the order of the numbers.
    const std::vector<double>& micros() const noexcept { return micros_; }

private:
    static boost::asio::awaitable<void> work(SessionCalls* calls);

    VisitorSessions sessions_;
    std::vector<std::size_t> numbers_;
    std::vector<double> micros_;
    std::size_t next_ = 0;
    std::size_t answered_ = 0;
};

}  // namespace wix::bench
