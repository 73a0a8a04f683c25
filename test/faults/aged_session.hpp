// What the rows of the fault matrix share: a fake Wix, a clock that the test moves, and sessions that age on it. The
// stack is the one that session.cpp composes, over real sockets; only the clock is another.
#pragma once

#include <boost/json/parse.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "call/call_runner.hpp"
#include "http/tls_context.hpp"
#include "integration/failures.hpp"
#include "session.hpp"

namespace wix::test {

using namespace std::chrono_literals;

/// Moved by the test alone. Its random numbers are one half.
class ManualClock final : public detail::Clock {
public:
    detail::BootTime boot() const override { return boot_; }
    detail::WallTime wall() const override { return wall_; }
    double random() const override { return 0.5; }
    void advance(std::chrono::milliseconds by) {
        boot_ += by;
        wall_ += by;
    }

private:
    detail::BootTime boot_{1h};
    detail::WallTime wall_{1'700'000'000s};
};

/// A fake Wix, and what the sessions of one program share.
struct Site {
    Site() { options = optionsFor(fake); }
    testing::FakeWix fake;
    ManualClock clock;
    boost::asio::io_context io;
    ClientOptions options;
    std::shared_ptr<MemoryTokenStorage> storage = std::make_shared<MemoryTokenStorage>();
    const std::shared_ptr<detail::HttpTransport> transport = [this] {
        const TransportOptions connections = optionsFor(fake).transport;
        return std::make_shared<detail::HttpTransport>(io.get_executor(), connections,
                                                       *detail::makeTlsContext(connections.tls));
    }();

    std::uint64_t tokenRequests() const { return fake.state().requests["token"]; }
    std::uint64_t renewals() const { return fake.state().tokens["refresh_token"]; }
    /// Until nothing is under way any more.
    void settle() {
        io.restart();
        io.run();
    }
    /// What the storage has of `key`; no tokens if it has none.
    Tokens stored(const std::string& key = clientId) {
        const std::optional<StoredTokens> record = runOn(io, storage->load(key));
        return record ? record->tokens : Tokens();
    }
};

/// One session of a Site.
class AgedSession {
public:
    explicit AgedSession(Site& site) : AgedSession(site, strategyWith(site.storage)) {}
    AgedSession(Site& site, OAuthStrategy strategy)
        : site_(site), session_(site.transport, false, std::move(strategy), site.options, site.clock) {}

    /// A token as a call gets it: at once if there is one, else by waiting.
    result<detail::SnapshotPtr> token() {
        if (detail::SnapshotPtr fresh = session_.calls.tokens->fresh()) return fresh;
        return runOn(site_.io, session_.calls.tokens->usable(detail::WaitLimits()));
    }
    detail::SnapshotPtr goodToken() {
        result<detail::SnapshotPtr> got = token();
        REQUIRE(got.has_value());
        return *got;
    }
    Failure noToken() {
        result<detail::SnapshotPtr> got = token();
        REQUIRE(got.has_error());
        return got.error();
    }
    /// What is active, without asking for anything.
    Tokens active() { return (*runOn(site_.io, session_.calls.tokens->active(detail::WaitLimits())))->tokens; }

    result<detail::HttpReply> call(Request request) {
        auto prepared = detail::prepare(session_, request, session_.api);
        REQUIRE(prepared.has_value());
        return runOn(site_.io, detail::runCall(session_.calls, std::move(*prepared), detail::WaitLimits()));
    }
    /// The visitor's cart with one product in it.
    void fillCart() {
        Request request("POST", queryPath);
        request.json(object());
        const auto products = call(std::move(request));
        REQUIRE(products.has_value());
        Request add("POST", addPath);
        add.json(oneOf(std::string(boost::json::parse(products->body).at("products").at(0).at("id").as_string())));
        REQUIRE(call(std::move(add))->status == 200);
    }
    bool hasCart() {
        const auto reply = call(Request("GET", cartPath));
        return reply.has_value() && reply->status == 200;
    }

    detail::TokenManager& tokens() { return *session_.calls.tokens; }

private:
    Site& site_;
    detail::Session session_;
};

/// How long `failure` says that the next try is away.
inline std::chrono::milliseconds pauseOf(const Failure& failure, const Site& site) {
    REQUIRE(failure.retryAt);
    return std::chrono::duration_cast<std::chrono::milliseconds>(*failure.retryAt - site.clock.wall());
}

/// A visitor with a cart and a stored session of 4 h, to whom something is about to happen.
class Shopper {
public:
    Shopper() {
        session.fillCart();
        before = session.goodToken();
        requestsBefore = site.tokenRequests();
    }

    Site site;
    AgedSession session{site};
    detail::SnapshotPtr before;
    std::uint64_t requestsBefore = 0;

    void toLast(std::chrono::seconds left) {
        site.clock.advance(4h - left - age_);
        age_ = 4h - left;
    }
    void age(std::chrono::milliseconds by) {
        site.clock.advance(by);
        age_ += by;
    }
    void expire() { toLast(0s); }

    /// Token requests since the session was there.
    std::uint64_t asked() const { return site.tokenRequests() - requestsBefore; }

    /// The session is the one that it was: in memory, in the storage, and for the server.
    void checkKept() {
        CHECK(session.active().refreshToken == before->tokens.refreshToken);
        CHECK(site.stored().refreshToken == before->tokens.refreshToken);
        CHECK(site.fake.state().visitors == 1);
    }
    /// And not even the access token is another.
    void checkUnchanged() {
        CHECK(session.active() == before->tokens);
        CHECK(site.stored() == before->tokens);
        CHECK(site.fake.state().visitors == 1);
    }
    /// The endpoint is well again: the same visitor goes on with the next generation, and has the cart.
    void checkRecovers() {
        site.fake.clearFaults();
        age(6min);  // longer than any backoff
        const detail::SnapshotPtr after = session.goodToken();
        CHECK(after->generation == before->generation + 1);
        CHECK(after->tokens.accessToken.value != before->tokens.accessToken.value);
        checkKept();
        CHECK(site.stored() == after->tokens);
        CHECK(session.hasCart());
    }

private:
    std::chrono::milliseconds age_{0};
};

}  // namespace wix::test
