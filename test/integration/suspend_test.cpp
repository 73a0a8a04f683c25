// The machine is suspended between two requests, and the far end forgets the connection without a word.
#include "integration/failures.hpp"
#include "support/bare_transport.hpp"
#include "support/scripted_server.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using detail::Endpoint;

namespace {

class SuspendedClock final : public detail::Clock {
public:
    detail::BootTime boot() const override { return now; }
    detail::WallTime wall() const override { return detail::WallTime(now.time_since_epoch()); }
    double random() const override { return 0.5; }
    detail::BootTime now{1h};
};

/// Responds to the first request of each connection, and to no other.
ScriptedServer::Script forgetful() {
    return [](ScriptedPeer& peer, int) {
        peer.readHead();
        peer.write(answer("{}"));
        peer.waitForEnd();
    };
}

}  // namespace

TEST_CASE("after 8 h of suspend a connection that the far end has forgotten is not used, not even for a GET [C3]") {
    for (const std::string method : {"GET", "POST"}) {
        CAPTURE(method);
        ScriptedServer server(forgetful());
        SuspendedClock clock;
        BareTransport bare(
            lookupBy([&](const std::string&) { return NameAnswer(std::vector<Endpoint>(1, server.endpoint())); }),
            TransportOptions(), clock);
        bare.timeouts.firstByte = 2s;
        REQUIRE(bare.get().has_value());
        CHECK(bare.transport->openConnections() == 1);
        clock.now += 8h;
        const auto reply = bare.send(bare.request(method));
        REQUIRE(reply.has_value());
        CHECK(reply->status == 200);
        CHECK(server.connections() == 2);
    }
}

TEST_CASE("a connection that was opened ahead of need before a suspend is not used [C3]") {
    ScriptedServer server([](ScriptedPeer& peer, int number) {
        if (number > 0) peer.readHead();
        if (number > 0) peer.write(answer("{}"));
        peer.waitForEnd();
    });
    SuspendedClock clock;
    BareTransport bare(
        lookupBy([&](const std::string&) { return NameAnswer(std::vector<Endpoint>(1, server.endpoint())); }),
        TransportOptions(), clock);
    bare.timeouts.firstByte = 2s;
    const auto kept = bare.transport->openAhead(bare.request());
    bare.io.run();
    CHECK(bare.transport->openConnections() == 1);
    clock.now += 8h;
    CHECK(bare.get().has_value());
    CHECK(server.connections() == 2);
}

TEST_CASE("a name that did not exist before a suspend is looked up again after it [C3]") {
    SuspendedClock clock;
    int lookups = 0;
    BareTransport bare(lookupBy([&](const std::string&) {
                           ++lookups;
                           return NameAnswer(asio::error::host_not_found);
                       }),
                       TransportOptions(), clock);
    CHECK(bare.get().error().code == Errc::name_not_found);
    CHECK(bare.get().error().code == Errc::name_not_found);
    CHECK(lookups == 1);
    clock.now += 8h;
    CHECK(bare.get().error().code == Errc::name_not_found);
    CHECK(lookups == 2);
}
