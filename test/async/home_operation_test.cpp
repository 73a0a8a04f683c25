// How a caller waits for another strand: every order of start, stop, finish and the end of the context.
#include <doctest/doctest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/strand.hpp>

#include <functional>
#include <future>
#include <thread>

#include "async/home_operation.hpp"
#include "support/boot_time.hpp"
#include "support/run.hpp"

using namespace wix::detail;
using wix::Errc;
using wix::Failure;
using wix::result;
using wix::test::runOn;
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

/// Ends when the test says so, or when it is stopped.
class Puppet final : public HomeOperation<result<int>> {
public:
    Puppet(asio::io_context& io, WaitLimits limits = WaitLimits(), std::function<void(Puppet&)> act = nullptr)
        : HomeOperation(asio::make_strand(io), std::move(limits)), act_(std::move(act)) {}
    ~Puppet() override { *destroyed = true; }

    using HomeOperation::finish;
    using HomeOperation::home;
    using HomeOperation::setPhaseDeadline;
    std::shared_ptr<bool> destroyed = std::make_shared<bool>(false);
    bool started = false;
    int stops = 0;
    bool departed = false;
    bool brief = false;

private:
    void onStart() override {
        started = true;
        if (act_) act_(*this);
    }
    void onStop(StopReason why) override {
        ++stops;
        finish(stopFailure(why, "the puppet"));
    }
    bool hasDeparted() const override { return departed; }
    bool isBrief() const noexcept override { return brief; }
    std::function<void(Puppet&)> act_;
};

WaitLimits stoppedBy(const std::stop_source& source) { return WaitLimits(SteadyTime::max(), source.get_token()); }

}  // namespace

TEST_CASE("an operation gives its result once") {
    asio::io_context io;
    auto puppet = std::make_shared<Puppet>(io, WaitLimits(), [](Puppet& self) {
        CHECK(self.finish(7));
        CHECK_FALSE(self.finish(8));
    });
    CHECK(*runOn(io, run(puppet)) == 7);
    CHECK(puppet->stops == 0);
}

TEST_CASE("an operation that cannot be made any more ends with operation_aborted") {
    asio::io_context io;
    CHECK(runOn(io, run(std::shared_ptr<Puppet>())).error().code == asio::error::operation_aborted);
}

TEST_CASE("one result serves many callers") {
    asio::io_context io;
    const auto shared = std::make_shared<const result<int>>(7);
    auto puppet = std::make_shared<Puppet>(io, WaitLimits(), [&](Puppet& self) {
        CHECK(self.finish(shared));
        CHECK_FALSE(self.finish(shared));
    });
    CHECK(*runOn(io, run(puppet)) == 7);
    CHECK(shared.use_count() == 1);
}

TEST_CASE("a stop before the start: it never starts") {
    asio::io_context io;
    std::stop_source source;
    source.request_stop();
    auto puppet = std::make_shared<Puppet>(io, stoppedBy(source));
    CHECK(runOn(io, run(puppet)).error().code == asio::error::operation_aborted);
    CHECK_FALSE(puppet->started);
    CHECK(puppet->stops == 1);
}

TEST_CASE("a stop after the start, and only one") {
    asio::io_context io;
    std::stop_source source;
    auto puppet = std::make_shared<Puppet>(io, stoppedBy(source), [&](Puppet& self) {
        self.requestStop(StopReason::cancelled);
        source.request_stop();
    });
    CHECK(runOn(io, run(puppet)).error().code == asio::error::operation_aborted);
    CHECK(puppet->started);
    CHECK(puppet->stops == 1);
}

TEST_CASE("a stop after the end does nothing") {
    asio::io_context io;
    std::stop_source source;
    auto puppet = std::make_shared<Puppet>(io, stoppedBy(source), [](Puppet& self) { self.finish(1); });
    CHECK(*runOn(io, run(puppet)) == 1);
    source.request_stop();
    puppet->requestStop(StopReason::cancelled);
    io.restart();
    io.run();
    CHECK(puppet->stops == 0);
}

TEST_CASE("dropping ends only what has not departed") {
    asio::io_context io;
    std::stop_source drop;
    WaitLimits limits;
    limits.stopUnsent = drop.get_token();
    bool departs = false;
    SUBCASE("not departed") {}
    SUBCASE("departed") { departs = true; }
    auto puppet = std::make_shared<Puppet>(io, limits, [&](Puppet& self) {
        self.departed = departs;
        drop.request_stop();
        asio::post(self.home(),
                   [keep = std::static_pointer_cast<Puppet>(self.shared_from_this())] { keep->finish(3); });
    });
    const result<int> ended = runOn(io, run(puppet));
    if (departs)
        CHECK(*ended == 3);
    else
        CHECK(ended.error().code == asio::error::operation_aborted);
}

TEST_CASE("deadlines: near ones by a timer, others by the scan, and the earlier of phase and total") {
    asio::io_context io;
    const auto now = MonotonicClock::now();
    std::shared_ptr<Puppet> puppet;
    SUBCASE("total, passed already") { puppet = std::make_shared<Puppet>(io, WaitLimits(now - 1s, std::stop_token())); }
    SUBCASE("total, near") { puppet = std::make_shared<Puppet>(io, WaitLimits(now + 20ms, std::stop_token())); }
    SUBCASE("total, by the scan") {
        puppet = std::make_shared<Puppet>(io, WaitLimits(now + 1010ms, std::stop_token()));
    }
    SUBCASE("phase before total") {
        puppet = std::make_shared<Puppet>(io, WaitLimits(now + 1h, std::stop_token()),
                                          [&](Puppet& self) { self.setPhaseDeadline(now + 20ms, now); });
    }
    SUBCASE("total before phase") {
        puppet = std::make_shared<Puppet>(io, WaitLimits(now + 20ms, std::stop_token()),
                                          [&](Puppet& self) { self.setPhaseDeadline(now + 1h, now); });
    }
    CHECK(runOn(io, run(puppet)).error().code == Errc::timeout);
    CHECK(puppet->stops == 1);
}

TEST_CASE("an operation whose deadline has passed does not begin: its request would go out unread") {
    asio::io_context io;
    const WaitLimits past(MonotonicClock::now() - 1ms, std::stop_token());
    auto puppet = std::make_shared<Puppet>(io, past, [](Puppet& self) { self.finish(1); });
    CHECK(runOn(io, run(puppet)).error().code == Errc::timeout);
    CHECK_FALSE(puppet->started);
}

TEST_CASE("a deadline that is noticed a second late or more counts a second later [C17]") {
    for (const auto phase : {900ms, 5000ms}) {
        for (const bool ends : {true, false}) {
            CAPTURE(phase.count());
            CAPTURE(ends);
            asio::io_context io;
            std::function<void(std::shared_ptr<Puppet>, int)> hop = [&](std::shared_ptr<Puppet> self, int left) {
                if (left == 0) {
                    self->finish(7);
                    return;
                }
                asio::post(self->home(), [&hop, self, left] { hop(self, left - 1); });
            };
            auto puppet = std::make_shared<Puppet>(io, WaitLimits(), [&](Puppet& self) {
                const auto now = MonotonicClock::now();
                self.setPhaseDeadline(now + phase, now);
                wix::test::continueLater(io, 10s);
                if (ends) hop(std::static_pointer_cast<Puppet>(self.shared_from_this()), 20);
            });
            const result<int> ended = runOn(io, run(puppet));
            if (ends)
                CHECK((ended.has_value() && *ended == 7));
            else
                CHECK(ended.error().code == Errc::timeout);
        }
    }
}

TEST_CASE("the deadline of a phase that has ended counts no more") {
    asio::io_context io;
    auto puppet = std::make_shared<Puppet>(io, WaitLimits(), [&](Puppet& self) {
        const auto now = MonotonicClock::now();
        self.setPhaseDeadline(now - 1s, now);
        self.requestStop(StopReason::deadline);         // the scan has seen it ...
        self.setPhaseDeadline(SteadyTime::max(), now);  // ... but the phase is over
        auto keep = std::static_pointer_cast<Puppet>(self.shared_from_this());
        asio::post(self.home(), [keep] { keep->finish(5); });  // behind the stop
    });
    CHECK(*runOn(io, run(puppet)) == 5);
    CHECK(puppet->stops == 0);
}

TEST_CASE("a finished operation leaves no work behind") {
    asio::io_context io;
    const WaitLimits far(MonotonicClock::now() + 1h, std::stop_token());
    runOn(io,
          run(std::make_shared<Puppet>(io, far, [](Puppet& self) { self.finish(1); })));  // returns: no timer is left
    CHECK(io.poll() == 0);
}

TEST_CASE("the context is destroyed while a caller waits: nothing leaks, and late calls are harmless") {
    std::shared_ptr<Puppet> puppet;
    auto frameLives = std::make_shared<int>();
    const std::weak_ptr<int> frame = frameLives;
    {
        asio::io_context io;
        puppet = std::make_shared<Puppet>(io);
        asio::co_spawn(
            io,
            [](std::shared_ptr<Puppet> op, std::shared_ptr<int>) -> asio::awaitable<void> { co_await run(op); }(
                                                                     puppet, std::move(frameLives)),
            [](std::exception_ptr) {});
        io.run_for(5ms);
        CHECK(puppet->started);
    }
    CHECK(frame.expired());
    CHECK(puppet->stops == 0);
    const auto destroyed = puppet->destroyed;
    puppet.reset();
    CHECK(*destroyed);
}

TEST_CASE("the caller resumes on its own executor") {
    asio::io_context home, mine;
    auto puppet = std::make_shared<Puppet>(home, WaitLimits(), [](Puppet& self) { self.finish(9); });
    bool resumed = false;
    asio::co_spawn(mine, run(puppet)(asio::use_awaitable),
                   [&](std::exception_ptr, result<int> got) { resumed = *got == 9; });
    mine.poll();
    home.run();
    CHECK_FALSE(resumed);
    mine.restart();
    mine.run();
    CHECK(resumed);
}

TEST_CASE("a brief operation starts within the initiation, any other later") {
    for (const bool brief : {false, true}) {
        asio::io_context io;
        auto puppet = std::make_shared<Puppet>(io, WaitLimits(), [](Puppet& self) { self.finish(1); });
        puppet->brief = brief;
        bool resumed = false;
        bool startedWithin = false;
        bool resumedWithin = false;
        asio::post(io, [&] {
            run(puppet)([&](const result<int>&) { resumed = true; });
            startedWithin = puppet->started;
            resumedWithin = resumed;
        });
        io.run();
        CHECK(startedWithin == brief);
        CHECK_FALSE(resumedWithin);
        CHECK(resumed);
    }
}

TEST_CASE(
    "whoever waits on a thread of the pool for an operation that ends at its start is resumed by another thread") {
    enum class Ends { itself, cancelled, late };
    for (const Ends how : {Ends::itself, Ends::cancelled, Ends::late}) {
        asio::io_context io;
        std::stop_source source;
        if (how == Ends::cancelled) source.request_stop();
        const auto deadline = how == Ends::late ? MonotonicClock::now() - 1s : SteadyTime::max();
        auto puppet = std::make_shared<Puppet>(io, WaitLimits(deadline, source.get_token()),
                                               [](Puppet& self) { self.finish(1); });
        puppet->brief = true;
        std::promise<void> resumed;
        std::future_status status{};
        asio::post(io, [&] {
            run(puppet)(asio::bind_executor(io, [&](const result<int>&) { resumed.set_value(); }));
            status = resumed.get_future().wait_for(20s);
        });
        std::thread other([&io] { io.run(); });
        io.run();
        other.join();
        CHECK(status == std::future_status::ready);
    }
}
