// The proxy's decisions, as tables: what was asked for, and what comes out at which time.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/toxic_pipe.hpp"

using namespace wix::test;
using namespace std::chrono_literals;
using Kind = PipeStep::Kind;

namespace {

const PipeStep::Time start{std::chrono::hours(1000)};

std::string at(PipeStep::Time time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time - start).count());
}

/// Runs a pipe in virtual time until it waits for something else, or `until`. What it did as one line: "3" is three
/// bytes passed, "@20" the time went to 20 ms.
std::string tell(ToxicPipe& pipe, PipeStep::Time& now, PipeStep::Time until = start + 24h) {
    std::string story;
    const auto say = [&](const std::string& word) { story += (story.empty() ? "" : " ") + word; };
    for (int steps = 0; steps < 10'000; ++steps) {
        const PipeStep step = pipe.next(now);
        switch (step.kind) {
            case Kind::wait:
                if (step.until > until) return story;
                REQUIRE(step.until > now);
                now = step.until;
                say("@" + at(now));
                break;
            case Kind::forward:
                REQUIRE(step.bytes > 0);
                say(std::to_string(step.bytes));
                break;
            case Kind::discard:
                say("drop " + std::to_string(step.bytes));
                break;
            case Kind::endOfStream:
                say("end");
                break;
            case Kind::close:
                say("close");
                return story;
            case Kind::reset:
                say("reset");
                return story;
            case Kind::over:
                say("over");
                return story;
        }
    }
    return story + " ... for ever";
}

/// Ten bytes and then the end of the stream, all at once.
std::string tenBytesWith(const Toxics& toxics) {
    ToxicPipe pipe(7, toxics, start);
    PipeStep::Time now = start;
    pipe.arrived(10, now);
    pipe.ended(now);
    return tell(pipe, now);
}

template <class Set>
Toxics with(Set set) {
    Toxics made;
    set(made);
    return made;
}

}  // namespace

TEST_CASE("ten bytes and an end, with one toxic each") {
    struct Row {
        const char* name;
        Toxics toxics;
        const char* story;
    };
    const std::vector<Row> rows = {
        {"none", Toxics(), "10 end over"},
        {"latency", with([](Toxics& t) { t.latency = 30ms; }), "@30 10 end over"},
        {"bandwidth of 50 bytes a second",  //
         with([](Toxics& t) { t.bandwidth = 50; }),
         "1 @20 1 @40 1 @60 1 @80 1 @100 1 @120 1 @140 1 @160 1 @180 1 end over"},
        {"bandwidth of 200 bytes a second", with([](Toxics& t) { t.bandwidth = 200; }), "4 @20 4 @40 2 end over"},
        {"every byte its own packet", with([](Toxics& t) { t.sliceSize = 1; }), "1 1 1 1 1 1 1 1 1 1 end over"},
        {"slices, with a delay", with([](Toxics& t) {
             t.sliceSize = 4;
             t.sliceDelay = 5ms;
         }),
         "4 @5 4 @10 2 end over"},
        {"close at once", with([](Toxics& t) { t.limitData = 0; }), "close"},
        {"close after 3", with([](Toxics& t) { t.limitData = 3; }), "3 close"},
        {"close after all", with([](Toxics& t) { t.limitData = 10; }), "10 end over"},
        {"reset at once", with([](Toxics& t) { t.resetPeer = 0; }), "reset"},
        {"reset after 9", with([](Toxics& t) { t.resetPeer = 9; }), "9 reset"},
        {"reset comes before close", with([](Toxics& t) {
             t.resetPeer = 4;
             t.limitData = 4;
         }),
         "4 reset"},
        {"half close after 6", with([](Toxics& t) { t.halfClose = 6; }), "6 end drop 4 over"},
        {"hold at once", with([](Toxics& t) { t.hold = 0; }), ""},
        {"hold after 2", with([](Toxics& t) { t.hold = 2; }), "2"},
        {"hold the end", with([](Toxics& t) { t.hold = 10; }), "10"},
        {"timeout, for ever", with([](Toxics& t) { t.timeout = 0ms; }), ""},
        {"timeout", with([](Toxics& t) { t.timeout = 70ms; }), "@70 close"},
        {"slow close", with([](Toxics& t) { t.slowClose = 40ms; }), "10 @40 end over"},
        {"latency and bandwidth", with([](Toxics& t) {
             t.latency = 30ms;
             t.bandwidth = 250;
         }),
         "@30 5 @50 5 end over"},
        {"latency and close after 3", with([](Toxics& t) {
             t.latency = 30ms;
             t.limitData = 3;
         }),
         "@30 3 close"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK(tenBytesWith(row.toxics) == row.story);
    }
}

TEST_CASE("limits count from when they were set, and end nothing that is idle") {
    ToxicPipe pipe(7, Toxics(), start);
    PipeStep::Time now = start;
    pipe.arrived(10, now);
    CHECK(tell(pipe, now) == "10");
    pipe.set(with([](Toxics& t) { t.limitData = 3; }), now);  // maybe while the ten are still being written
    CHECK(tell(pipe, now) == "");
    pipe.arrived(3, now);
    CHECK(tell(pipe, now) == "3");
    pipe.arrived(1, now);
    CHECK(tell(pipe, now) == "close");
}

TEST_CASE("a barrier is held when something waits behind it, and its release keeps the other toxics") {
    const auto toxics = with([](Toxics& t) {
        t.hold = 4;
        t.limitData = 6;
    });
    ToxicPipe pipe(7, toxics, start);
    PipeStep::Time now = start;
    pipe.arrived(4, now);
    CHECK(tell(pipe, now) == "4");
    CHECK_FALSE(pipe.isHeld());
    pipe.arrived(4, now);
    CHECK(tell(pipe, now) == "");
    CHECK(pipe.isHeld());
    pipe.release();
    CHECK_FALSE(pipe.isHeld());
    CHECK(tell(pipe, now) == "2 close");

    ToxicPipe ending(7, with([](Toxics& t) { t.hold = 0; }), start);
    CHECK_FALSE(ending.isHeld());
    ending.ended(now);
    CHECK(ending.isHeld());
    ending.release();
    CHECK(tell(ending, now) == "end over");
}

TEST_CASE("an end that is demanded comes before what waits, and what comes later is dropped") {
    ToxicPipe pipe(7, with([](Toxics& t) { t.hold = 0; }), start);
    PipeStep::Time now = start;
    pipe.arrived(5, now);
    CHECK(tell(pipe, now) == "");
    pipe.cut();
    CHECK(tell(pipe, now) == "end drop 5");
    CHECK_FALSE(pipe.isHeld());
    pipe.arrived(2, now);
    CHECK(tell(pipe, now) == "drop 2");
    pipe.ended(now);
    CHECK(tell(pipe, now) == "over");
}

TEST_CASE("jitter: the order stays, the dice are the seed's, and all of the range is used") {
    const auto toxics = with([](Toxics& t) {
        t.latency = 20ms;
        t.jitter = 10ms;
    });
    const auto delaysOf = [&](std::uint64_t seed) {
        ToxicPipe pipe(seed, toxics, start);
        std::vector<std::int64_t> delays;
        for (int i = 0; i < 200; ++i) {
            PipeStep::Time now = start + i * 100ms;
            pipe.arrived(1, now);
            const PipeStep step = pipe.next(now);
            REQUIRE(step.kind == Kind::wait);
            delays.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(step.until - now).count());
            CHECK(pipe.next(step.until).bytes == 1);
        }
        return delays;
    };
    const auto delays = delaysOf(7);
    CHECK(delays == delaysOf(7));
    CHECK(delays != delaysOf(8));
    CHECK(*std::min_element(delays.begin(), delays.end()) == 10);
    CHECK(*std::max_element(delays.begin(), delays.end()) == 30);

    ToxicPipe crowded(7, toxics, start);
    PipeStep::Time now = start;
    for (int i = 0; i < 50; ++i) crowded.arrived(1, now + std::chrono::milliseconds(i));
    tell(crowded, now);
    CHECK(crowded.waiting() == 0);
    CHECK(now <= start + 80ms);
}

TEST_CASE("slices vary around their size, and never are empty") {
    ToxicPipe pipe(7, with([](Toxics& t) {
                       t.sliceSize = 3;
                       t.sliceVariation = 3;
                   }),
                   start);
    pipe.arrived(3000, start);
    std::vector<int> seen(7);
    while (pipe.waiting() > 6) {
        const PipeStep step = pipe.next(start);
        REQUIRE(step.kind == Kind::forward);
        REQUIRE(step.bytes >= 1);
        REQUIRE(step.bytes <= 6);
        ++seen[step.bytes];
    }
    for (std::size_t size = 1; size <= 6; ++size) CHECK(seen[size] > 0);
}

TEST_CASE("toxics that change: what waits is delayed anew, and a timeout counts from then") {
    ToxicPipe pipe(7, with([](Toxics& t) { t.latency = 10s; }), start);
    PipeStep::Time now = start;
    pipe.arrived(10, now);
    CHECK(tell(pipe, now, start + 1s) == "");
    pipe.set(Toxics(), now);
    CHECK(tell(pipe, now) == "10");
    pipe.set(with([](Toxics& t) { t.timeout = 50ms; }), start + 200ms);
    now = start + 200ms;
    CHECK(tell(pipe, now) == "@250 close");
}
