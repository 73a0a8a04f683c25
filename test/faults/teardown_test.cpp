// Rows 42 and 43: what waits is closed, dropped or stopped. Row 42 has three ends: close() answers who
// waits with `operation_aborted` (42a); waiters whose handle goes keep the manager, and are served (42b); those whose
// context is destroyed are not answered, for nothing could run their handlers any more, and these go with it (42c). A
// handler that is neither called nor destroyed would show as a witness that still lives, and under a sanitizer as a leak.
#include "faults/aged_session.hpp"

#include <boost/asio/co_spawn.hpp>

using namespace wix;
using namespace wix::test;
using testing::HoldPoint;
using testing::Rotation;
namespace asio = boost::asio;

namespace {

/// Callers of a Client on an expired session, whose exchange is held at the endpoint.
class Waiting {
public:
    explicit Waiting(HoldPoint at) : io(std::make_unique<asio::io_context>()) {
        Tokens expired;
        {
            asio::io_context first;
            expired = runOn(first, clientOf(first, fake).generateVisitorTokens());
            expired.accessToken.expiresAt -= 5h;
        }
        before = expired;
        OAuthStrategy strategy = strategyWith(storage);
        strategy.tokens = expired;
        client.emplace(io->get_executor(), strategy, optionsFor(fake));
        fake.setRotation(Rotation(true, 0s));
        fake.hold("token", at);
        for (int i = 0; i < 100; ++i) {
            asio::co_spawn(*io, client->generateVisitorTokens(), Done(*this));
            asio::co_spawn(*io, client->get(cartPath), Done(*this));
        }
        runUntil(*io, [&] { return fake.waitUntilHeld("token", 1, 0ms); });
        io->poll();
        CHECK(ended.empty());
    }

    /// Of the record; no tokens if there is none.
    Tokens stored() {
        const std::optional<StoredTokens> record = run(storage->load(clientId));
        return record ? record->tokens : Tokens();
    }
    void checkAllGone() const { CHECK(witness.use_count() == 1); }

    testing::FakeWix fake;
    Tokens before;
    const std::shared_ptr<MemoryTokenStorage> storage = std::make_shared<MemoryTokenStorage>();
    std::unique_ptr<asio::io_context> io;
    std::optional<Client> client;
    std::vector<boost::system::error_code> ended;
    const std::shared_ptr<int> witness = std::make_shared<int>();  // shared with every handler that lives

private:
    struct Done {
        explicit Done(Waiting& waiting) : ended(&waiting.ended), witness(waiting.witness) {}
        void operator()(std::exception_ptr error) const {
            ended->push_back(codeOf([&] {
                if (error) std::rethrow_exception(error);
            }));
        }
        template <class T>
        void operator()(std::exception_ptr error, T&&) const {
            (*this)(std::move(error));
        }
        std::vector<boost::system::error_code>* ended;
        std::shared_ptr<int> witness;
    };
};

}  // namespace

TEST_CASE("close() with waiters: each ends once, as aborted, and what the exchange brought is saved [42]") {
    Waiting waiting(HoldPoint::beforeReply);
    bool closed = false;
    asio::co_spawn(*waiting.io, waiting.client->close(), [&](std::exception_ptr error) { closed = !error; });
    runUntil(*waiting.io, [&] { return waiting.ended.size() == 200; });
    for (const auto& code : waiting.ended) CHECK(code == asio::error::operation_aborted);
    CHECK_FALSE(closed);
    waiting.fake.release("token");
    runUntil(*waiting.io, [&] { return closed; });
    CHECK(waiting.ended.size() == 200);
    waiting.checkAllGone();
    CHECK(waiting.stored().refreshToken.value != waiting.before.refreshToken.value);
    CHECK(waiting.fake.state().requests.at("token") == 2);
    CHECK(codeOf([&] { runOn(*waiting.io, waiting.client->getTokens()); }) == asio::error::operation_aborted);
}

TEST_CASE("the handle goes, its waiters hold the session: they are served [42]") {
    Waiting waiting(HoldPoint::beforeEffect);
    waiting.client.reset();
    waiting.fake.release("token");
    waiting.io->run();
    REQUIRE(waiting.ended.size() == 200);
    for (const auto& code : waiting.ended) CHECK((!code || code == Errc::api_error));  // there is no cart
    waiting.checkAllGone();
    CHECK(waiting.stored().refreshToken.value != waiting.before.refreshToken.value);
    CHECK(waiting.fake.state().requests.at("token") == 2);
    CHECK(waiting.fake.state().visitors == 1);
}

TEST_CASE("the context goes with waiters in it: every handler is destroyed with it [42]") {
    Waiting waiting(HoldPoint::beforeEffect);
    SUBCASE("the handle goes first") { waiting.client.reset(); }
    SUBCASE("the handle goes last") {}
    SUBCASE("the answer comes just then") { waiting.fake.release("token"); }
    waiting.io.reset();
    CHECK(waiting.ended.empty());
    waiting.checkAllGone();
    if (waiting.client) CHECK(codeOf([&] { run(waiting.client->getTokens()); }) == asio::error::operation_aborted);
    CHECK(waiting.stored().refreshToken == waiting.before.refreshToken);
}

TEST_CASE("a context is stopped in the middle of an exchange [43]") {
    Waiting waiting(HoldPoint::beforeReply);
    waiting.io->stop();
    waiting.fake.release("token");
    CHECK(waiting.io->run() == 0);
    CHECK(waiting.ended.empty());
    SUBCASE("and runs on: as if nothing had been") {
        waiting.io->restart();
        waiting.io->run();
        REQUIRE(waiting.ended.size() == 200);
        for (const auto& code : waiting.ended) CHECK((!code || code == Errc::api_error));
        CHECK(waiting.stored().refreshToken.value != waiting.before.refreshToken.value);
        CHECK(waiting.fake.state().requests.at("token") == 2);
        CHECK(waiting.fake.state().visitors == 1);
    }
    SUBCASE("and is destroyed") {
        waiting.io.reset();
        CHECK(waiting.ended.empty());
    }
    SUBCASE("and is destroyed after the handle") {
        waiting.client.reset();
        waiting.io.reset();
        CHECK(waiting.ended.empty());
    }
    waiting.checkAllGone();
}
