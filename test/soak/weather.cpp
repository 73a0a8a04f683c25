#include "weather.hpp"

#include <algorithm>

using namespace std::chrono_literals;

namespace wix::soak {

using test::Direction;

test::Toxics Weather::toxics() {
    const auto millis = [this](std::uint64_t most) { return std::chrono::milliseconds(upTo(random_, most)); };
    test::Toxics made;
    if (happens(random_, 40)) {
        made.latency = millis(60);
        made.jitter = millis(60);
    }
    if (happens(random_, 25)) made.bandwidth = 1000 + upTo(random_, 300'000);
    if (happens(random_, 25)) {
        made.sliceSize = 1 + upTo(random_, 200);
        made.sliceVariation = upTo(random_, made.sliceSize);
        made.sliceDelay = std::chrono::microseconds(upTo(random_, 300));
    }
    if (happens(random_, 20)) made.slowClose = millis(300);
    switch (upTo(random_, 9)) {
        case 0:
            made.limitData = upTo(random_, 6000);
            break;
        case 1:
            made.resetPeer = upTo(random_, 6000);
            break;
        case 2:
            made.halfClose = upTo(random_, 6000);
            break;
        case 3:
            made.hold = upTo(random_, 3000);
            break;
        case 4:
            made.timeout = millis(200);
            break;
        case 5:
            made.timeout = 0ms;
            break;
        default:
            break;
    }
    return made;
}

std::chrono::milliseconds Weather::change(test::ToxicProxy& proxy) {
    ++changes_;
    const auto direction = [this] { return happens(random_, 50) ? Direction::upstream : Direction::downstream; };
    switch (upTo(random_, 19)) {
        case 0:
            proxy.closeAll();
            break;
        case 1:
            proxy.resetAll();
            break;
        case 2:
            proxy.halfCloseAll(direction());
            break;
        case 3:
            proxy.release(direction());
            break;
        case 4:
        case 5:
        case 6:
        case 7:
        case 8:
        case 9:
            // Some of those that are there, or one that comes soon.
            for (int i = 0; i < 20; ++i) {
                const std::size_t accepted = proxy.counts().accepted() + 2;
                const std::size_t back = std::min(accepted - 1, upTo(random_, 150));
                proxy.set(accepted - back, direction(), toxics());
            }
            break;
        case 10:
        case 11:
        case 12:
        case 13:
            proxy.set(direction(), toxics());
            break;
        case 14:
            proxy.set(Direction::upstream, toxics());
            proxy.set(Direction::downstream, toxics());
            break;
        default:
            proxy.clear();
            return std::chrono::milliseconds(50 + upTo(random_, 200));  // good weather
    }
    return std::chrono::milliseconds(10 + upTo(random_, 110));
}

}  // namespace wix::soak
