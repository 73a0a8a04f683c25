// A caller and a Redis storage on two io_contexts, destroyed in both orders. No Redis is needed: nothing responds.
#include <doctest/doctest.h>

#include <optional>
#include <thread>

#include <wix/redis.hpp>

#include "support/fake_client.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

asio::awaitable<void> acquire(std::shared_ptr<RedisTokenStorage> storage, std::shared_ptr<int>) {
    const auto lease = co_await storage->acquireLease("a", std::chrono::minutes(1));
}

}  // namespace

TEST_CASE("the contexts of a caller and of a Redis storage are destroyed in every order [C18]") {
    enum class Order { callerFirst, storageFirst, storageWhileCallerRuns, callerWhileStorageRuns };
    for (const bool connects : {false, true})
        for (const Order order :
             {Order::callerFirst, Order::storageFirst, Order::storageWhileCallerRuns, Order::callerWhileStorageRuns}) {
            CAPTURE(static_cast<int>(order));
            ScriptedServer silent([](ScriptedPeer& peer, int) { peer.waitForEnd(); });
            std::optional<asio::io_context> home(std::in_place), mine(std::in_place);
            const auto storage = std::make_shared<RedisTokenStorage>(
                home->get_executor(), "redis://127.0.0.1:" + std::to_string(silent.port()));
            auto alive = std::make_shared<int>();
            const std::weak_ptr<int> frame = alive;
            std::optional<boost::system::error_code> code;
            for (int i = 0; i < 3; ++i)
                asio::co_spawn(*mine, acquire(storage, alive), [&](std::exception_ptr error) {
                    code = codeOf([&] { std::rethrow_exception(error); });
                });
            alive.reset();
            mine->poll();
            for (int i = 0; connects && i < 1000 && silent.connections() == 0; ++i)
                home->run_one_for(std::chrono::milliseconds(5));
            if (order == Order::callerFirst) {
                mine.reset();
                CHECK(frame.expired());
                home->poll();
                home.reset();
            } else if (order == Order::storageFirst) {
                home.reset();
                mine->restart();
                mine->run();
                CHECK(code == asio::error::operation_aborted);
            } else if (order == Order::storageWhileCallerRuns) {
                mine->restart();
                std::jthread runner([&] { mine->run(); });
                home.reset();
                runner.join();
                CHECK(code == asio::error::operation_aborted);
            } else {
                std::jthread runner([&] { home->run_for(std::chrono::milliseconds(50)); });
                mine.reset();
                CHECK(frame.expired());
                runner.join();
                home.reset();
            }
            CHECK(frame.expired());
        }
}
