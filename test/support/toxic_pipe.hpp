// What happens to the bytes that flow one way through a ToxicProxy. Pure: arrivals and the time go in, steps come out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>

namespace wix::test {

/// What disturbs one direction of a connection. Bytes are counted from when the toxics were set, for a connection that
/// comes later from its start. "After n bytes" means: n pass, and it happens in the place of the next one.
struct Toxics {
    Toxics() = default;
    std::chrono::milliseconds latency{0};     ///< Every byte comes so much later,
    std::chrono::milliseconds jitter{0};      ///< and up to this more or less. The order stays.
    std::uint64_t bandwidth = 0;              ///< Bytes a second; 0: no limit.
    std::size_t sliceSize = 0;                ///< The average size of a packet; 0: as it comes. 1: each byte is one.
    std::size_t sliceVariation = 0;           ///< Up to so much more or less.
    std::chrono::microseconds sliceDelay{0};  ///< Between two packets.
    std::optional<std::uint64_t> limitData;   ///< After so many bytes the connection is closed in order.
    std::optional<std::uint64_t> resetPeer;   ///< After so many bytes it is reset.
    std::optional<std::uint64_t> halfClose;   ///< After so many bytes this direction ends, and the other goes on.
    std::optional<std::uint64_t> hold;        ///< A barrier: after so many bytes nothing passes until it is released.
    std::optional<std::chrono::milliseconds> timeout;  ///< Nothing passes, and after this time the connection is
                                                       ///< closed; 0: never.
    std::chrono::milliseconds slowClose{0};            ///< The end of the stream comes so much later.
};

struct PipeStep {
    using Time = std::chrono::steady_clock::time_point;
    enum class Kind {
        wait,         ///< Until `until`, or until something else happens.
        forward,      ///< Pass on the first `bytes` of those that wait; they count as passed.
        discard,      ///< Drop the first `bytes`.
        endOfStream,  ///< Tell the receiver that nothing more comes. The other direction goes on.
        close,        ///< End both directions in order.
        reset,        ///< End both directions at once.
        over,         ///< Both sender and receiver have their end: nothing will happen any more.
    };
    explicit PipeStep(Kind what) : kind(what) {}
    PipeStep(Kind what, std::size_t size) : kind(what), bytes(size) {}
    explicit PipeStep(Time time) : until(time) {}

    Kind kind = Kind::wait;
    std::size_t bytes = 0;
    Time until = Time::max();
};

class ToxicPipe {
public:
    using Time = PipeStep::Time;
    ToxicPipe(std::uint64_t seed, const Toxics& toxics, Time now) : random_(seed) { set(toxics, now); }

    void set(const Toxics& toxics, Time now);
    /// Ends the barrier, and nothing else.
    void release() { toxics_.hold.reset(); }

    void arrived(std::size_t bytes, Time now);
    /// The sender has ended its stream.
    void ended(Time now);
    /// This direction ends now, before what waits.
    void cut() { cut_ = true; }

    PipeStep next(Time now);

    std::size_t waiting() const noexcept { return waiting_; }
    /// Something waits behind the barrier.
    bool isHeld() const noexcept;

private:
    struct Arrival {
        Arrival(std::size_t bytes, Time at) : size(bytes), came(at) {}
        std::size_t size;
        Time came;
        Time due{};
    };

    bool isReached(const std::optional<std::uint64_t>& count) const noexcept { return count && passed_ >= *count; }
    /// Evenly from `middle - around` to `middle + around`, never negative.
    std::int64_t randomAround(std::int64_t middle, std::int64_t around);
    void delay(Arrival& arrival);
    PipeStep pass(Time now);
    PipeStep end();

    std::mt19937_64 random_;
    Toxics toxics_;
    Time setAt_{};
    Time free_{};     // when the next packet may go
    Time lastDue_{};  // of all that have arrived
    std::deque<Arrival> arrivals_;
    std::size_t waiting_ = 0;
    std::uint64_t passed_ = 0;  // since the toxics were set
    std::optional<Time> endedAt_;
    bool cut_ = false;
    bool endSent_ = false;
};

}  // namespace wix::test
