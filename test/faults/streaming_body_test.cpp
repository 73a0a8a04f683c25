// Row 34: a body that comes from a source, and an answer that asks for it once more.
#include "faults/aged_session.hpp"
#include "support/held.hpp"
#include "support/request_log.hpp"

#include <boost/asio/post.hpp>

using namespace wix;
using namespace wix::test;
using testing::ScriptedReply;
namespace asio = boost::asio;

namespace {

class TextSource final : public BodySource {
public:
    explicit TextSource(std::string text, bool canRewind) : text_(std::move(text)), canRewind_(canRewind) {}
    asio::awaitable<std::string> read(std::size_t most) override {
        if (throws) throw std::runtime_error("the disk is gone");
        std::string piece = text_.substr(at_, std::min<std::size_t>(most, 5));
        at_ += piece.size();
        co_return piece;
    }
    bool rewind() override {
        ++rewinds;
        if (canRewind_) at_ = 0;
        return canRewind_;
    }
    int rewinds = 0;
    bool throws = false;

private:
    std::string text_;
    bool canRewind_;
    std::size_t at_ = 0;
};

/// Refuses a few requests before it sends any.
class RefusingTransport final : public detail::TransportInterface {
public:
    explicit RefusingTransport(std::shared_ptr<detail::HttpTransport> real) : real_(std::move(real)) {}
    asio::awaitable<result<detail::HttpReply>> send(detail::WireRequestPtr request,
                                                    detail::WaitLimits limits) override {
        if (refusals > 0) return refuse(&refusals);
        return real_->send(std::move(request), std::move(limits));
    }
    std::shared_ptr<void> backgroundSlot() override { return real_->backgroundSlot(); }
    detail::RetryQuotas& retryQuotas() override { return real_->retryQuotas(); }
    int refusals = 0;

private:
    static asio::awaitable<result<detail::HttpReply>> refuse(int* refusals) {
        --*refusals;
        co_return Failure(Errc::connection_refused, "nobody listens");
    }
    std::shared_ptr<detail::HttpTransport> real_;
};

const std::string text = R"({"lineItems":[],"a":"longer than one piece"})";

struct Streaming {
    explicit Streaming(bool canRewind, bool idempotent = false)
        : source(std::make_shared<TextSource>(text, canRewind)) {
        site.options.observer = log;
        session.emplace(site.transport, false, OAuthStrategy(clientId), site.options, site.clock);
        environment = session->calls();
        environment.transport = transport.get();
        run("warm up", false, nullptr);  // brings the tokens
        before = site.fake.requests("cart").size();
        log->take();
        isIdempotent = idempotent;
    }
    result<detail::HttpReply> call() { return run(text, isIdempotent, source); }
    result<detail::HttpReply> run(const std::string& body, bool idempotent, std::shared_ptr<BodySource> from) {
        Request request("POST", addPath);
        request.body(from ? std::string() : body, "application/json").idempotent(idempotent);
        auto prepared = detail::prepare(*session, request, session->common->api);
        (*prepared)->source = std::move(from);
        return runOn(site.io, detail::runCall(environment, std::move(*prepared), detail::WaitLimits()));
    }
    std::size_t sent() const { return site.fake.requests("cart").size() - before; }

    Site site;
    std::shared_ptr<RequestLog> log = std::make_shared<RequestLog>();
    std::shared_ptr<TextSource> source;
    std::shared_ptr<RefusingTransport> transport = std::make_shared<RefusingTransport>(site.transport);
    std::optional<detail::Session> session;
    detail::CallEnvironment environment;
    std::size_t before = 0;
    bool isIdempotent = false;
};

}  // namespace

TEST_CASE("a 401 to a body that comes once: the error now, and the next call has a new token [34]") {
    Streaming at(false);
    at.site.fake.expireAccessTokens();
    const auto reply = at.call();
    REQUIRE(reply.has_value());
    CHECK(reply->status == 401);
    CHECK(at.sent() == 1);
    CHECK(lastRequest(at.site.fake, "cart").body == text);
    CHECK(at.source->rewinds == 1);
    CHECK(at.log->reasons() == Events{"the token was refused, and the body cannot be given again"});
    CHECK(at.log->take() == Events{"finished(401)"});
    CHECK(at.site.renewals() == 1);
    CHECK(at.run("{}", false, nullptr)->status == 400);
    CHECK(at.sent() == 2);
    CHECK(at.site.renewals() == 1);
}

TEST_CASE("the error does not wait for the renewal [34]") {
    Streaming at(false);
    at.site.fake.expireAccessTokens();
    at.site.fake.hold("token");
    auto prepared = detail::prepare(*at.session, Request("POST", addPath), at.session->common->api);
    (*prepared)->source = at.source;
    std::optional<int> status;
    asio::co_spawn(at.site.io, detail::runCall(at.environment, std::move(*prepared), detail::WaitLimits()),
                   [&](std::exception_ptr, result<detail::HttpReply> reply) { status = reply->status; });
    runUntil(at.site.io, [&] { return status.has_value(); });
    CHECK(status == 401);
    runUntil(at.site.io, [&] { return at.site.fake.waitUntilHeld("token", 1, 0ms); });
    at.site.fake.release("token");
    at.site.settle();
    CHECK(at.site.renewals() == 1);
}

TEST_CASE("a body that can be given again: the same bytes once more [34]") {
    Streaming at(true);
    at.site.fake.expireAccessTokens();
    CHECK(at.call()->status == 400);
    CHECK(at.sent() == 2);
    const auto seen = at.site.fake.requests("cart");
    CHECK(seen.back().body == text);
    CHECK(seen[seen.size() - 2].body == text);
    CHECK(at.source->rewinds == 1);
    CHECK(at.log->take() == Events{"retried(401)", "finished(400)"});
}

TEST_CASE("the same for a passing status [34]") {
    for (const bool canRewind : {true, false}) {
        CAPTURE(canRewind);
        Streaming at(canRewind, true);
        at.site.fake.failNext("cart", 1, ScriptedReply(503));
        CHECK(at.call()->status == (canRewind ? 400 : 503));
        CHECK(at.sent() == (canRewind ? 2 : 1));
        CHECK(at.log->take() == (canRewind ? Events{"retried(503)", "finished(400)"} : Events{"finished(503)"}));
    }
}

TEST_CASE("a body that nobody has touched needs no second beginning [34]") {
    Streaming at(false);
    at.transport->refusals = 1;
    CHECK(at.call()->status == 400);
    CHECK(at.sent() == 1);
    CHECK(lastRequest(at.site.fake, "cart").body == text);
    CHECK(at.source->rewinds == 0);
    CHECK(at.log->take() == Events{"retried(error 21)", "finished(400)"});
}

TEST_CASE("what a source throws ends the call, and the observer hears of it") {
    Streaming at(true, true);
    at.source->throws = true;
    CHECK_THROWS_WITH_AS(at.call(), "the disk is gone", std::runtime_error);
    CHECK(at.sent() == 0);
    CHECK(at.log->reasons() == Events{"an exception ended it"});
    CHECK(at.log->take() == Events{"finished(error 0)"});
}
