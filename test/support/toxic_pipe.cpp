#include "support/toxic_pipe.hpp"

#include <algorithm>
#include <utility>

namespace wix::test {

using Kind = PipeStep::Kind;

void ToxicPipe::set(const Toxics& toxics, Time now) {
    toxics_ = toxics;
    setAt_ = free_ = now;
    passed_ = 0;
    lastDue_ = Time();
    for (Arrival& arrival : arrivals_) delay(arrival);
}

std::int64_t ToxicPipe::randomAround(std::int64_t middle, std::int64_t around) {
    if (around <= 0) return middle;
    const auto width = static_cast<std::uint64_t>(around) * 2 + 1;
    return std::max<std::int64_t>(0, middle - around + static_cast<std::int64_t>(random_() % width));
}

void ToxicPipe::delay(Arrival& arrival) {
    const std::chrono::milliseconds late(randomAround(toxics_.latency.count(), toxics_.jitter.count()));
    lastDue_ = arrival.due = std::max(lastDue_, arrival.came + late);
}

void ToxicPipe::arrived(std::size_t bytes, Time now) {
    arrivals_.emplace_back(bytes, now);
    delay(arrivals_.back());
    waiting_ += bytes;
}

void ToxicPipe::ended(Time now) { endedAt_ = now; }

PipeStep ToxicPipe::end() {
    endSent_ = true;
    return PipeStep(Kind::endOfStream);
}

bool ToxicPipe::isHeld() const noexcept {
    return isReached(toxics_.hold) && !endSent_ && !toxics_.timeout && (waiting_ > 0 || endedAt_);
}

PipeStep ToxicPipe::next(Time now) {
    if (endSent_) {
        if (waiting_ == 0) return endedAt_ ? PipeStep(Kind::over) : PipeStep(Kind::wait);
        arrivals_.clear();
        return PipeStep(Kind::discard, std::exchange(waiting_, 0));
    }
    if (cut_) return end();
    if (toxics_.timeout) {
        if (toxics_.timeout->count() == 0) return PipeStep(Kind::wait);
        const Time close = setAt_ + *toxics_.timeout;
        return now < close ? PipeStep(close) : PipeStep(Kind::close);
    }
    if (isReached(toxics_.hold)) return PipeStep(Kind::wait);
    if (waiting_ == 0) {
        if (!endedAt_) return PipeStep(Kind::wait);
        const Time due = *endedAt_ + toxics_.slowClose + toxics_.latency;
        return now < due ? PipeStep(due) : end();
    }
    const Time ready = std::max(arrivals_.front().due, free_);
    return now < ready ? PipeStep(ready) : pass(now);
}

/// A byte may pass: or what happens in its place.
PipeStep ToxicPipe::pass(Time now) {
    if (isReached(toxics_.resetPeer)) return PipeStep(Kind::reset);
    if (isReached(toxics_.limitData)) return PipeStep(Kind::close);
    if (isReached(toxics_.halfClose)) return end();
    std::uint64_t bytes = arrivals_.front().size;
    for (const auto& count : {toxics_.resetPeer, toxics_.limitData, toxics_.halfClose, toxics_.hold})
        if (count) bytes = std::min(bytes, *count - passed_);
    // 20 ms worth of bytes at a time.
    if (toxics_.bandwidth > 0) bytes = std::min(bytes, std::max<std::uint64_t>(1, toxics_.bandwidth / 50));
    if (toxics_.sliceSize > 0) {
        const std::int64_t slice = randomAround(static_cast<std::int64_t>(toxics_.sliceSize),
                                                static_cast<std::int64_t>(toxics_.sliceVariation));
        bytes = std::min(bytes, static_cast<std::uint64_t>(std::max<std::int64_t>(1, slice)));
    }
    passed_ += bytes;
    const auto size = static_cast<std::size_t>(bytes);
    waiting_ -= size;
    arrivals_.front().size -= size;
    if (arrivals_.front().size == 0) arrivals_.pop_front();
    free_ = now;
    if (toxics_.bandwidth > 0) free_ += std::chrono::nanoseconds(1'000'000'000ull * bytes / toxics_.bandwidth);
    if (toxics_.sliceSize > 0) free_ = std::max(free_, now + Time::duration(toxics_.sliceDelay));
    return PipeStep(Kind::forward, size);
}

}  // namespace wix::test
