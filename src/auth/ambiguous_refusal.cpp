#include "auth/ambiguous_refusal.hpp"

#include <functional>
#include <utility>

namespace wix::detail {

Refusal::Refusal(const std::string& refreshToken, int status, const std::string& errorCode)
    : tokenHash(std::hash<std::string>()(refreshToken)),
      codeHash(std::hash<std::string>()(errorCode)),
      status(status) {}

AmbiguousRefusal::Step AmbiguousRefusal::refused(const Refusal& refusal, bool mayDecide, BootTime now) {
    const bool isAlike = refusal == first_;
    const Phase phase = std::exchange(phase_, Phase::none);
    if (!isAlike) {
        first_ = refusal;
        firstAt_ = now;
    }
    if (phase == Phase::repeating) {
        waiting_ = Waiting::no;
        if (!isAlike || !mayDecide) return Step::fail;
        reset();
        return Step::reject;
    }
    if (phase == Phase::none && isAlike && mayDecide && now - firstAt_ >= pause) {
        phase_ = Phase::awaitingControl;
        waiting_ = Waiting::no;
        return Step::requestControl;
    }
    return keepWaiting();
}

AmbiguousRefusal::Step AmbiguousRefusal::keepWaiting() noexcept {
    waiting_ = waiting_ == Waiting::used ? Waiting::no : Waiting::due;
    return Step::wait;
}

AmbiguousRefusal::Step AmbiguousRefusal::controlled(bool succeeded, bool mayDecide) {
    const Phase phase = std::exchange(phase_, Phase::none);
    if (phase == Phase::ended) return keepWaiting();
    if (phase != Phase::awaitingControl || !succeeded || !mayDecide) return Step::fail;
    phase_ = Phase::repeating;
    return Step::repeat;
}

void AmbiguousRefusal::interrupt() noexcept {
    phase_ = Phase::none;
    waiting_ = Waiting::no;
}

void AmbiguousRefusal::callersLeft() noexcept {
    if (phase_ != Phase::none) phase_ = Phase::ended;
    if (waiting_ == Waiting::pausing) waiting_ = Waiting::due;
    if (waiting_ == Waiting::used) waiting_ = Waiting::no;
}

}  // namespace wix::detail
