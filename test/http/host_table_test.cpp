// Which look-ups are shared, and for how long their addresses are used.
#include <doctest/doctest.h>

#include "http/host_table.hpp"

using namespace wix::detail;
using namespace std::chrono_literals;
using Kind = HostTable::Asked::Kind;

namespace {

const SteadyTime start = SteadyTime() + 1000s;

std::vector<Endpoint> address(unsigned char last) {
    return std::vector<Endpoint>(1, Endpoint(boost::asio::ip::address_v4({127, 0, 0, last}), 0));
}

}  // namespace

TEST_CASE("the first connection starts a look-up and the others wait for it [C1]") {
    HostTable table;
    CHECK(table.ask("a", start).kind == Kind::start);
    const auto second = table.ask("a", start + 4s);
    CHECK(second.kind == Kind::inFlight);
    CHECK(second.begunAt == start);
    CHECK(table.ask("b", start).kind == Kind::start);
}

TEST_CASE("addresses are used for a second after the look-up, and then asked for anew [C1]") {
    HostTable table;
    table.ask("a", start);
    table.ended("a", address(1), start + 5s);
    const auto known = table.ask("a", start + 5s + 999ms);
    CHECK(known.kind == Kind::known);
    CHECK(known.endpoints == address(1));
    CHECK(table.ask("a", start + 6s).kind == Kind::start);
    table.ended("a", address(2), start + 6s);
    CHECK(table.ask("a", start + 6s).endpoints == address(2));
}

TEST_CASE("a look-up that failed is not remembered [C1]") {
    HostTable table;
    table.ask("a", start);
    table.ended("a", {}, start);
    CHECK(table.size() == 0);
    CHECK(table.ask("a", start).kind == Kind::start);
}

TEST_CASE("addresses that led nowhere are forgotten, a look-up in flight is not [C1]") {
    HostTable table;
    table.ask("a", start);
    table.forget("a");
    CHECK(table.ask("a", start).kind == Kind::inFlight);
    table.ended("a", address(1), start);
    table.forget("a");
    CHECK(table.ask("a", start).kind == Kind::start);
    table.forget("unknown");
    table.ended("unknown", address(1), start);
    CHECK(table.size() == 1);
}

TEST_CASE("hosts of the past are not kept [C1]") {
    HostTable table;
    for (int i = 0; i < 1000; ++i) {
        const std::string host = std::to_string(i);
        table.ask(host, start + i * 1s);
        table.ended(host, address(1), start + i * 1s);
    }
    CHECK(table.size() <= 2);
}
