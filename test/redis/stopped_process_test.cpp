// A process that was stopped while Redis replied.
#include <future>

#include "redis/redis_server.hpp"
#include "support/boot_time.hpp"
#include "support/scripted_server.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

TEST_CASE("a reply of Redis that lies in the socket when the process continues is read, another is a timeout [C17]") {
    // It takes many reads. It is no session, so that what was read can be told from a timeout.
    const std::string reply = "*2\r\n$1\r\n1\r\n$100000\r\n" + std::string(100'000, 'x') + "\r\n";
    for (const std::size_t part : {reply.size(), reply.size() / 2, std::size_t{0}}) {
        CAPTURE(part);
        std::promise<void> asked, go, written;
        ScriptedServer server([&](ScriptedPeer& peer, int number) {
            if (number > 0 || peer.readUntil("tokens\r\n").empty()) return;
            asked.set_value();
            go.get_future().wait_for(20s);
            peer.write(reply.substr(0, part));
            written.set_value();
            peer.waitForEnd();
        });
        asio::io_context io;
        RedisTokenStorage storage(io.get_executor(), "redis://127.0.0.1:" + std::to_string(server.port()));
        std::optional<Errc> failed;
        asio::co_spawn(io, storage.load("a"), [&](std::exception_ptr error, const std::optional<StoredTokens>&) {
            try {
                if (error) std::rethrow_exception(error);
            } catch (const Error& why) {
                failed = why.code() == Errc::storage_damaged ? Errc::storage_damaged : Errc::storage_unavailable;
            }
        });
        const auto wasAsked = asked.get_future();
        runUntil(io, [&] { return wasAsked.wait_for(0s) == std::future_status::ready; });
        io.poll();
        go.set_value();
        CHECK(written.get_future().wait_for(20s) == std::future_status::ready);
        continueLater(io, 1min);
        const auto continued = std::chrono::steady_clock::now();
        runUntil(io, [&] { return failed.has_value(); });
        CHECK(std::chrono::steady_clock::now() - continued < 5s);
        CHECK(*failed == (part == reply.size() ? Errc::storage_damaged : Errc::storage_unavailable));
    }
}
