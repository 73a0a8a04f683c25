// What the rows of the fault matrix share: a fake Wix, a clock that the test moves, and sessions that age on it. The
// stack is the one that session.cpp composes, over real sockets; only the clock is another.
#pragma once

#include <boost/json/parse.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
    /// Somebody sets the wall clock.
    void jump(std::chrono::seconds by) { wall_ += by; }

private:
    detail::BootTime boot_{1h};
    detail::WallTime wall_ = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
};

/// What a session reported, a line for each event.
class Recorder final : public Observer {
public:
    void renewalStarted(const RenewalStarted& event) override { note("started", reasonName(event.reason)); }
    void renewalFinished(const RenewalFinished& event) override { note("finished for", std::to_string(event.waiters)); }
    void renewalFailed(const RenewalFailed& event) override { note("failed for", std::to_string(event.waiters)); }
    void renewalAdopted(const RenewalAdopted& event) override { note("adopted for", std::to_string(event.waiters)); }
    void sessionLost(const SessionLost& event) override {
        note(event.newVisitor ? "lost, new visitor for" : "lost, of", roleName(event.role));
    }
    void saveFailed(const SaveFailed&) override { note("save", "failed"); }

    /// The lines since the last time.
    std::vector<std::string> take() { return std::exchange(lines_, {}); }

private:
    void note(std::string what, std::string_view how) { lines_.push_back(what.append(" ").append(how)); }
    std::vector<std::string> lines_;
};
using Events = std::vector<std::string>;

/// In memory, and it tells when it is asked.
class WatchedStorage final : public TokenStorage {
public:
    boost::asio::awaitable<std::optional<StoredTokens>> load(std::string key) override {
        ++loads;
        return memory.load(std::move(key));
    }
    boost::asio::awaitable<SaveResult> save(std::string key, Tokens tokens, std::uint64_t expectedVersion) override {
        if (onSave) onSave(tokens);
        return memory.save(std::move(key), std::move(tokens), expectedVersion);
    }
    boost::asio::awaitable<void> erase(std::string key) override { return memory.erase(std::move(key)); }
    MemoryTokenStorage memory;
    int loads = 0;
    std::function<void(const Tokens&)> onSave;
};

/// A fake Wix, and what the sessions of one program share.
struct Site {
    /// An exchange of tokens may take so long.
    explicit Site(std::chrono::milliseconds tokenExchange = 20s) : options(optionsFor(fake)) {
        options.timeouts.tokenExchange = tokenExchange;
        options.observer = observer;
    }
    testing::FakeWix fake;
    ManualClock clock;
    boost::asio::io_context io;
    ClientOptions options;
    const std::shared_ptr<Recorder> observer = std::make_shared<Recorder>();
    const std::shared_ptr<WatchedStorage> storage = std::make_shared<WatchedStorage>();
    const std::shared_ptr<detail::HttpTransport> transport = [this] {
        const TransportOptions connections = optionsFor(fake).transport;
        return std::make_shared<detail::HttpTransport>(io.get_executor(), connections,
                                                       *detail::makeTlsContext(connections.tls));
    }();

    /// Moves the clocks of both sides.
    void advance(std::chrono::milliseconds by) {
        const auto before = std::chrono::floor<std::chrono::seconds>(clock.boot());
        clock.advance(by);
        fake.advanceClock(std::chrono::floor<std::chrono::seconds>(clock.boot()) - before);
    }

    std::uint64_t tokenRequests() const { return fake.state().requests["token"]; }
    std::uint64_t renewals() const { return fake.state().tokens["refresh_token"]; }
    /// Until nothing is under way any more.
    void settle() {
        io.restart();
        io.run_for(1min);
        REQUIRE(io.stopped());  // else a caller was forgotten
    }
    /// What the storage has of `key`; no tokens if it has none.
    Tokens stored(const std::string& key = clientId) {
        const std::optional<StoredTokens> record =
            run(storage->memory.load(key));  // of its own context: others may wait
        return record ? record->tokens : Tokens();
    }
};

using TokenOutcome = result<detail::SnapshotPtr>;
using TokenOutcomes = std::vector<TokenOutcome>;

/// One session of a Site.
class AgedSession {
public:
    explicit AgedSession(Site& site) : AgedSession(site, strategyWith(site.storage)) {}
    AgedSession(Site& site, OAuthStrategy strategy)
        : site_(site), session_(site.transport, false, std::move(strategy), site.options, site.clock) {}

    /// A token as a call gets it: at once if there is one, else by waiting.
    TokenOutcome token() {
        if (detail::SnapshotPtr fresh = session_.tokens->fresh()) return fresh;
        return runOn(site_.io, session_.tokens->usable(detail::WaitLimits()));
    }
    detail::SnapshotPtr goodToken() {
        TokenOutcome got = token();
        REQUIRE(got.has_value());
        return *got;
    }
    Failure noToken() {
        TokenOutcome got = token();
        REQUIRE(got.has_error());
        return got.error();
    }
    /// Starts callers that wait for a token; their outcomes will be in `outcomes`, in the order in which they end.
    void startWaiting(TokenOutcomes& outcomes, int count, detail::WaitLimits limits = detail::WaitLimits()) {
        for (int i = 0; i < count; ++i)
            boost::asio::co_spawn(site_.io, session_.tokens->usable(limits)(boost::asio::use_awaitable),
                                  [&outcomes](std::exception_ptr error, TokenOutcome outcome) {
                                      outcomes.push_back(error ? TokenOutcome(Failure()) : std::move(outcome));
                                  });
    }
    /// What is active, without asking for anything.
    Tokens active() { return (*runOn(site_.io, session_.tokens->active(detail::WaitLimits())))->tokens; }

    result<detail::HttpReply> call(Request request) {
        auto prepared = detail::prepare(session_, request, session_.common->api);
        REQUIRE(prepared.has_value());
        return runOn(site_.io, detail::runCall(session_.calls(), std::move(*prepared), detail::WaitLimits(),
                                               request.options().maxRedirects));
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

    detail::TokenManager& tokens() { return *session_.tokens; }

private:
    Site& site_;
    detail::Session session_;
};

/// How long `failure` says that the next try is away.
inline std::chrono::milliseconds pauseOf(const Failure& failure, const Site& site) {
    REQUIRE(failure.retryAt);
    return std::chrono::duration_cast<std::chrono::milliseconds>(*failure.retryAt - site.clock.wall());
}

/// A visitor, or a member, with a cart and a stored session of 4 h, to whom something is about to happen.
class Shopper {
public:
    explicit Shopper(TokenRole role, SessionLostPolicy policy = SessionLostPolicy::newVisitor)
        : Shopper(20s, role, policy) {}
    /// An exchange of its tokens may take so long.
    explicit Shopper(std::chrono::milliseconds tokenExchange = 20s, TokenRole role = TokenRole::visitor,
                     SessionLostPolicy policy = SessionLostPolicy::newVisitor)
        : site(tokenExchange), session(site, strategyOf(role, policy)) {
        session.fillCart();
        before = session.goodToken();
        requestsBefore = site.tokenRequests();
        site.observer->take();
    }

    Site site;
    AgedSession session;
    detail::SnapshotPtr before;
    std::uint64_t requestsBefore = 0;

    /// Until so much of the token's life is left.
    void toLast(std::chrono::seconds left) { age(4h - left - age_); }
    void age(std::chrono::milliseconds by) {
        site.advance(by);
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
    OAuthStrategy strategyOf(TokenRole role, SessionLostPolicy policy) {
        OAuthStrategy strategy = strategyWith(site.storage);
        strategy.onSessionLost = policy;
        if (role == TokenRole::visitor) return strategy;
        // The fake knows visitors only, and a role is a local label.
        strategy.tokens = AgedSession(site, OAuthStrategy(clientId)).goodToken()->tokens;
        strategy.tokens.refreshToken.role = role;
        return strategy;
    }

    std::chrono::milliseconds age_{0};
};

}  // namespace wix::test
