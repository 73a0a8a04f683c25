// Waiting for what another process does, where no event tells of it.
#pragma once

#include <chrono>
#include <utility>

#include <poll.h>

namespace wix::test {

/// Whether `isSo()` becomes true within the time. It is asked every 2 ms.
template <class Condition>
bool eventually(Condition isSo, std::chrono::milliseconds within = std::chrono::seconds(20)) {
    const auto giveUp = std::chrono::steady_clock::now() + within;
    while (!isSo()) {
        if (std::chrono::steady_clock::now() > giveUp) return false;
        ::poll(nullptr, 0, 2);
    }
    return true;
}

}  // namespace wix::test
