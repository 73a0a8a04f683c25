// queued(): a slow observer behind a bounded queue.
#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <wix/observer.hpp>

using namespace wix;
namespace asio = boost::asio;

namespace {

class Recorder final : public Observer {
public:
    void renewalStarted(const RenewalStarted& event) override { note("started", event.attempt); }
    void renewalFinished(const RenewalFinished& event) override { note("finished", event.attempt); }
    void renewalFailed(const RenewalFailed& event) override { note("failed", event.attempt); }
    void sessionLost(const SessionLost&) override { note("lost", 0); }
    void saveFailed(const SaveFailed&) override { note("unsaved", 0); }
    void renewalAdopted(const RenewalAdopted& event) override { note("adopted", event.waiters); }
    void requestRetried(const RequestRetried& event) override { note("retried", static_cast<unsigned>(event.attempt)); }
    void requestFinished(const RequestFinished& event) override {
        note("request finished", static_cast<unsigned>(event.attempts));
    }

    std::vector<std::string> seen;
    bool throws = false;

private:
    void note(const char* what, std::uint64_t attempt) {
        seen.push_back(what + std::string(" ") + std::to_string(attempt));
        if (throws) throw std::runtime_error("an observer that fails");
    }
};

RenewalStarted started(std::uint64_t attempt) {
    RenewalStarted event;
    event.attempt = attempt;
    return event;
}

}  // namespace

TEST_CASE("events arrive in order, elsewhere, and none of them keeps the context busy afterwards") {
    asio::io_context io;
    const auto slow = std::make_shared<Recorder>();
    const auto quick = queued(slow, io.get_executor());
    quick->renewalStarted(started(1));
    RenewalFinished finished;
    finished.attempt = 1;
    quick->renewalFinished(finished);
    quick->renewalFailed(RenewalFailed());
    quick->renewalAdopted(RenewalAdopted());
    quick->sessionLost(SessionLost());
    quick->saveFailed(SaveFailed());
    quick->requestRetried(RequestRetried());
    quick->requestFinished(RequestFinished());
    CHECK(slow->seen.empty());
    io.run();
    CHECK(slow->seen == std::vector<std::string>{"started 1", "finished 1", "failed 0", "adopted 0", "lost 0",
                                                 "unsaved 0", "retried 1", "request finished 0"});
    CHECK(quick->dropped() == 0);
    io.restart();
    CHECK(io.poll() == 0);
    quick->renewalStarted(started(2));
    io.restart();
    io.run();
    CHECK(slow->seen.back() == "started 2");
}

TEST_CASE("too many events are dropped and counted, the oldest are kept") {
    asio::io_context io;
    const auto slow = std::make_shared<Recorder>();
    const auto quick = queued(slow, io.get_executor(), 3);
    for (std::uint64_t i = 1; i <= 10; ++i) quick->renewalStarted(started(i));
    CHECK(quick->dropped() == 7);
    io.run();
    CHECK(slow->seen == std::vector<std::string>{"started 1", "started 2", "started 3"});
    quick->renewalStarted(started(11));
    io.restart();
    io.run();
    CHECK(slow->seen.back() == "started 11");
    CHECK(quick->dropped() == 7);
}

TEST_CASE("what the slow one throws is dropped, and the next event arrives") {
    asio::io_context io;
    const auto slow = std::make_shared<Recorder>();
    slow->throws = true;
    const auto quick = queued(slow, io.get_executor());
    quick->renewalStarted(started(1));
    quick->renewalStarted(started(2));
    CHECK_NOTHROW(io.run());
    CHECK(slow->seen.size() == 2);
}

TEST_CASE("the wrapper goes first: what it has taken still arrives") {
    asio::io_context io;
    const auto slow = std::make_shared<Recorder>();
    queued(slow, io.get_executor())->renewalStarted(started(1));
    io.run();
    CHECK(slow->seen.size() == 1);
}

TEST_CASE("the context goes first: what waits is counted as dropped, and so is what comes later") {
    std::optional<asio::io_context> io(std::in_place);
    const auto slow = std::make_shared<Recorder>();
    const auto quick = queued(slow, io->get_executor());
    quick->renewalStarted(started(1));
    quick->renewalStarted(started(2));
    io.reset();
    CHECK(quick->dropped() == 2);
    quick->renewalStarted(started(3));
    CHECK(quick->dropped() == 3);
    CHECK(slow->seen.empty());
}

TEST_CASE("several threads give, several threads deliver: each event once, one at a time") {
    asio::thread_pool pool(2);
    const auto slow = std::make_shared<Recorder>();  // not thread-safe: the queue has to see to it
    const auto quick = queued(slow, pool.get_executor(), 100'000);
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            for (std::uint64_t i = 0; i < 1000; ++i) quick->renewalStarted(started(i));
        });
    for (std::thread& thread : threads) thread.join();
    pool.join();
    CHECK(slow->seen.size() == 3000);
    CHECK(quick->dropped() == 0);
}

TEST_CASE("nonsense is refused") {
    asio::io_context io;
    CHECK_THROWS_AS(queued(nullptr, io.get_executor()), Error);
    CHECK_THROWS_AS(queued(std::make_shared<Recorder>(), io.get_executor(), 0), Error);
    CHECK_THROWS_AS(queued(std::make_shared<Recorder>(), asio::any_io_executor()), Error);
}

TEST_CASE("reasons have the names of their enumerators") {
    CHECK(reasonName(RenewalReason::noSession) == "noSession");
    CHECK(reasonName(RenewalReason::sessionLost) == "sessionLost");
    CHECK(reasonName(RenewalReason::ahead) == "ahead");
    CHECK(reasonName(RenewalReason::expired) == "expired");
    CHECK(reasonName(RenewalReason::unauthorized) == "unauthorized");
    CHECK(reasonName(RenewalReason::requested) == "requested");
}
