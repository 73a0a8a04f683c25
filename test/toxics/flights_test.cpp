// How often a client had to wait for an answer, as the proxy counts it.
#include <doctest/doctest.h>

#include "support/toxic_proxy.hpp"
#include "toxics/wire.hpp"

using namespace wix::test;

TEST_CASE("flights: the client speaks, and speaks again after it was told something") {
    Wire wire;
    ToxicProxy proxy(wire.port());
    wire.connect(proxy);
    CHECK(proxy.counts().flights() == 0);
    for (std::uint64_t flight = 1; flight <= 3; ++flight) {
        for (const std::string part : {"one", "two"}) {  // in two pieces it is one flight
            send(wire.client, part);
            CHECK(receive(wire.server, part.size()) == part);
        }
        CHECK(proxy.counts().flights() == flight);
        send(wire.server, "answer");
        CHECK(receive(wire.client, 6) == "answer");
        send(wire.server, "more");
        CHECK(receive(wire.client, 4) == "more");
        CHECK(proxy.counts().flights() == flight);
    }
}
