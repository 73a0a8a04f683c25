// Decides whether a refresh token that the token endpoint refuses is dead, where the response does not say so. Pure.
//
// A firewall or a gateway in front of the endpoint can refuse valid refresh tokens. So a session ends only if the endpoint
// refuses its refresh token three times alike, and accepts another one, the control, between the last two.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "base/clock.hpp"

namespace wix::detail {

/// A refusal, reduced to what later ones are compared with. Two are alike if token, status and code are the same.
struct Refusal {
    Refusal() = default;
    Refusal(const std::string& refreshToken, int status, const std::string& errorCode);
    bool operator==(const Refusal&) const = default;

    std::size_t tokenHash = 0;
    std::size_t codeHash = 0;
    int status = 0;
};

class AmbiguousRefusal {
public:
    /// Between the first refusal and the attempt that may decide.
    static constexpr std::chrono::seconds pause{10};

    enum class Step {
        wait,            ///< Nothing is proved. The next attempt comes after `pause`, and may decide.
        fail,            ///< The experiment ended without a verdict: a transient failure.
        requestControl,  ///< Ask for the control, and report with controlled().
        repeat,          ///< Send the refresh token again within the same flight.
        reject,          ///< The refresh token is dead.
    };

    /// The endpoint refused the session's refresh token. `mayDecide`: the access token has expired, a caller waits, and
    /// the flight is in time.
    Step refused(const Refusal& refusal, bool mayDecide, BootTime now);
    /// The control succeeded or failed.
    Step controlled(bool succeeded, bool mayDecide);
    /// The flight has another outcome: an experiment ends without a verdict. The evidence stays.
    void interrupt() noexcept;
    /// No caller waits any more: the same. A later caller may wait for the next attempt.
    void callersLeft() noexcept;
    /// The session has other tokens.
    void reset() noexcept { *this = AmbiguousRefusal(); }

    bool awaitsControl() const noexcept { return phase_ == Phase::awaitingControl; }

    // The pause. Callers with an expired token wait for the attempt that may decide, once for each renewal.

    /// Whether callers wait for the end of the pause instead of failing.
    bool callersWait() const noexcept { return waiting_ == Waiting::due || waiting_ == Waiting::pausing; }
    bool isPausing() const noexcept { return waiting_ == Waiting::pausing; }
    /// A timer runs for the callers that wait.
    void pauseStarted() noexcept { waiting_ = Waiting::pausing; }
    /// It has expired. `isOver`: and the attempt may begin.
    void pauseEnded(bool isOver) noexcept {
        if (isPausing()) waiting_ = isOver ? Waiting::used : Waiting::due;
    }

private:
    Step keepWaiting() noexcept;

    enum class Phase : unsigned char {
        none,
        awaitingControl,
        repeating,
        ended,  // without a verdict; the flight is not over
    };
    enum class Waiting : unsigned char {
        no,
        due,      // a refusal was the first of its kind, or came while nothing could be decided
        pausing,  // callers wait for the next attempt
        used,     // they have waited
    };

    Refusal first_;  // status 0: there is no evidence
    BootTime firstAt_{};
    Phase phase_ = Phase::none;
    Waiting waiting_ = Waiting::no;
};

}  // namespace wix::detail
