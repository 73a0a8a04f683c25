// Row 100: an observer that throws, or that does not keep up.
#include "integration/failures.hpp"
#include "support/request_log.hpp"

#include <boost/asio/thread_pool.hpp>

#include <future>
#include <stdexcept>

using namespace wix;
using namespace wix::test;
using testing::ScriptedReply;
namespace asio = boost::asio;

namespace {

class Thrower final : public Observer {
public:
    void renewalStarted(const RenewalStarted&) override { fail(); }
    void renewalFinished(const RenewalFinished&) override { fail(); }
    void renewalFailed(const RenewalFailed&) override { fail(); }
    void sessionLost(const SessionLost&) override { fail(); }
    void saveFailed(const SaveFailed&) override { fail(); }
    void requestRetried(const RequestRetried&) override { fail(); }
    void requestFinished(const RequestFinished&) override { fail(); }
    int calls = 0;

private:
    void fail() {
        if (++calls % 2 == 0) throw 42;
        throw std::runtime_error("an observer that fails");
    }
};

/// Renewals, retries, a failure and a lost session, each with its event.
void tellEverything(testing::FakeWix& fake, std::shared_ptr<Observer> observer) {
    ClientOptions options = optionsFor(fake);
    options.observer = std::move(observer);
    Visitor visitor(fake, options);
    fake.failNext("cart", 2, ScriptedReply(503));
    CHECK(runOn(visitor.io, visitor.client.fetch(Request("GET", cartPath))).status() == 404);
    fake.expireAccessTokens();
    CHECK(runOn(visitor.io, visitor.client.fetch(Request("GET", cartPath))).status() == 404);
    fake.cutNext("cart", 1, testing::CutPoint::afterRequest);
    CHECK(visitor.failing(visitor.client.post(addPath, object())).code == Errc::maybe_sent);
    visitor.io.restart();
    fake.revokeTokens();
    CHECK(runOn(visitor.io, visitor.client.fetch(Request("GET", cartPath))).status() == 404);
    CHECK(fake.state().visitors == 2);
    fake.failNext("token", 1, ScriptedReply(503));
    CHECK(failureOf(visitor.io, visitor.client.renewToken()).code == Errc::token_unavailable);
}

class Blocker final : public Observer {
public:
    explicit Blocker(std::shared_future<void> until) : until_(std::move(until)) {}
    void requestFinished(const RequestFinished&) override { until_.wait(); }

private:
    std::shared_future<void> until_;
};

}  // namespace

TEST_CASE("an observer that throws in every callback: no call notices [100]") {
    testing::FakeWix fake;
    const auto observer = std::make_shared<Thrower>();
    tellEverything(fake, observer);
    CHECK(observer->calls >= 14);
    testing::FakeWix quiet;
    tellEverything(quiet, nullptr);
    for (const char* endpoint : {"token", "cart"})
        CHECK(fake.state().requests[endpoint] == quiet.state().requests[endpoint]);
}

TEST_CASE("an observer that blocks behind a queue that is full: calls go on, and what is dropped is counted [100]") {
    testing::FakeWix fake;
    std::promise<void> free;
    asio::thread_pool pool(1);
    const auto observer = queued(std::make_shared<Blocker>(free.get_future().share()), pool.get_executor(), 2);
    ClientOptions options = optionsFor(fake);
    options.observer = observer;
    Visitor visitor(fake, options);
    constexpr int calls = 50;
    for (int call = 0; call < calls; ++call) CHECK(visitor.failingGet().code == Errc::api_error);
    // One event is with the blocker at most, two wait; two more were of the first tokens.
    CHECK(observer->dropped() >= calls - 3);
    CHECK(observer->dropped() <= calls + 2);
    free.set_value();
    pool.join();
    visitor.checkUntouched();
}
