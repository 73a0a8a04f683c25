// The machine is suspended while the link to Redis is idle. No Redis is needed: the server is a script.
#include <doctest/doctest.h>

#include "redis/redis_call.hpp"
#include "redis/redis_connection.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

class SuspendedClock final : public Clock {
public:
    BootTime boot() const override { return now; }
    WallTime wall() const override { return WallTime(now.time_since_epoch()); }
    double random() const override { return 0.5; }
    BootTime now{1h};
};

}  // namespace

TEST_CASE("an idle link to Redis that is older than a minute is not used, suspended time included [C3]") {
    struct Row {
        std::chrono::milliseconds later;
        int connections;
    };
    for (const Row& row : {Row{59s, 1}, Row{60s, 2}, Row{8h, 2}}) {
        CAPTURE(row.later.count());
        // Responds to one request of the first connection only, as one that has been forgotten after it.
        ScriptedServer server([&](ScriptedPeer& peer, int number) {
            const int replies = number > 0 || row.connections == 1 ? 2 : 1;
            for (int i = 0; i < replies; ++i) {
                if (peer.readUntil("PING\r\n").empty()) return;
                peer.write("+PONG\r\n");
            }
            peer.waitForEnd();
        });
        asio::io_context io;
        SuspendedClock clock;
        RedisOptions options;
        options.commandTimeout = 2s;
        RedisUrl url;
        url.host = "127.0.0.1";
        url.port = server.port();
        const auto connection = std::make_shared<RedisConnection>(io.get_executor(), url, options, nullptr, clock);
        const auto ping = [&] {
            return runOn(io,
                         run(std::make_shared<RedisCall>(connection, connection->home(), RedisCommand{"PING"}, true)));
        };
        CHECK(ping().has_value());
        clock.now += row.later;
        CHECK(ping().has_value());
        CHECK(server.connections() == row.connections);
    }
}
