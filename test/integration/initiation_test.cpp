// What an operation does not do within the call that begins it: run code of a user.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <vector>

#include <wix/wix.hpp>

#include "support/fake_client.hpp"

namespace asio = boost::asio;
using namespace wix;
using namespace wix::test;

namespace {

/// Notes at each event, and at each use of the storage, whether the handler that begins the operation still runs.
class Watch final : public Observer, public TokenStorage {
public:
    void renewalStarted(const RenewalStarted&) override { within.push_back(begins); }
    void renewalFinished(const RenewalFinished&) override { within.push_back(begins); }
    asio::awaitable<std::optional<StoredTokens>> load(std::string) override {
        within.push_back(begins);
        co_return std::nullopt;
    }
    asio::awaitable<SaveResult> save(std::string, Tokens, std::uint64_t) override {
        within.push_back(begins);
        co_return SaveResult::saved(1);
    }
    asio::awaitable<void> erase(std::string) override { co_return; }

    bool begins = false;
    std::vector<bool> within;
};

}  // namespace

TEST_CASE("observer and storage are not called from within co_spawn(): whoever begins an operation may hold a lock") {
    testing::FakeWix fake;
    asio::io_context io;
    const auto watch = std::make_shared<Watch>();
    ClientOptions options = optionsFor(fake);
    options.observer = watch;
    OAuthStrategy strategy(clientId);
    strategy.storage = watch;
    Client client(io.get_executor(), strategy, options);
    asio::post(io, [&] {
        watch->begins = true;
        asio::co_spawn(io, client.generateVisitorTokens(), [](std::exception_ptr error, Tokens) { CHECK(!error); });
        watch->begins = false;
    });
    io.run();
    CHECK(watch->within == std::vector<bool>(watch->within.size(), false));
    CHECK(watch->within.size() == 5);  // load, once more before the exchange, started, save, finished
}
