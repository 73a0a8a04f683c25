// Look-ups of host names, with a function in the place of getaddrinfo().
#include <doctest/doctest.h>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "http/host_lookups.hpp"
#include "support/eventually.hpp"
#include "support/gate.hpp"

using namespace wix::detail;
using namespace std::chrono_literals;
using wix::test::eventually;
using wix::test::Gate;
namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

namespace {

FoundHost loopback() { return FoundHost(std::vector<Endpoint>(1, Endpoint(asio::ip::address_v4::loopback(), 0))); }

/// What look-ups of one test use. It outlives a thread that hangs.
struct Names {
    std::atomic<int> asked{0};
    Gate gate;
};

struct Resolver {
    explicit Resolver(LookUpFunction function) : lookups(std::make_shared<HostLookups>(std::move(function), threads)) {}
    std::unique_ptr<NameLookup> ask(asio::io_context& io, const std::string& host, std::uint16_t port = 80) {
        auto lookup = lookups->factory()(io.get_executor());
        lookup->resolve(host, port, [this](const ErrorCode& error, const std::vector<Endpoint>& found) {
            errors.push_back(error);
            endpoints.insert(endpoints.end(), found.begin(), found.end());
        });
        return lookup;
    }
    BlockingThreads threads{BlockingThreads::AtExit::abandon};
    std::shared_ptr<HostLookups> lookups;
    std::vector<ErrorCode> errors;
    std::vector<Endpoint> endpoints;
};

}  // namespace

TEST_CASE("connections to one host share a look-up, each with its own port [C1]") {
    Names names;
    Resolver resolver([&](const std::string&) {
        ++names.asked;
        names.gate.pass();
        return loopback();
    });
    asio::io_context io;
    const auto work = asio::make_work_guard(io);
    std::vector<std::unique_ptr<NameLookup>> waiting;
    for (std::uint16_t port = 1; port <= 64; ++port) waiting.push_back(resolver.ask(io, "shop.example", port));
    CHECK(waiting.back()->begunAt() == waiting.front()->begunAt());
    names.gate.open();
    while (resolver.errors.size() < 64) io.run_one_for(20s);
    CHECK(names.asked == 1);
    for (std::uint16_t port = 1; port <= 64; ++port) CHECK(resolver.endpoints[port - 1u].port() == port);
    // And for a second nothing is asked.
    waiting.push_back(resolver.ask(io, "shop.example"));
    io.run_one_for(20s);
    CHECK(resolver.errors.size() == 65);
    CHECK(names.asked == 1);
    waiting.back()->forget();
    waiting.push_back(resolver.ask(io, "shop.example"));
    while (resolver.errors.size() < 66) io.run_one_for(20s);
    CHECK(names.asked == 2);
}

TEST_CASE("all that wait hear of a failure, and the next one asks again [C1]") {
    std::atomic<int> asked{0};
    Gate gate;
    Resolver resolver([&](const std::string&) {
        gate.pass();
        if (++asked == 1) return FoundHost(ErrorCode(asio::error::host_not_found));
        throw std::bad_alloc();
    });
    asio::io_context io;
    const auto work = asio::make_work_guard(io);
    const auto first = resolver.ask(io, "a"), second = resolver.ask(io, "a");
    gate.open();
    while (resolver.errors.size() < 2) io.run_one_for(20s);
    CHECK(resolver.errors == std::vector<ErrorCode>(2, asio::error::host_not_found));
    const auto third = resolver.ask(io, "a");
    while (resolver.errors.size() < 3) io.run_one_for(20s);
    CHECK(resolver.errors.back() == asio::error::no_memory);
}

TEST_CASE("a look-up that hangs has one thread for its host and keeps neither run() nor the io_context [C1]") {
    Names names;
    Resolver resolver([&](const std::string&) {
        ++names.asked;
        names.gate.pass();
        return loopback();
    });
    {
        asio::io_context io;
        {
            const auto first = resolver.ask(io, "hangs");
            REQUIRE(names.gate.holds(1));
        }
        for (int i = 0; i < 20; ++i) const auto given = resolver.ask(io, "hangs");  // and given up
        CHECK(names.asked == 1);
        io.run();
        const auto kept = resolver.ask(io, "hangs");
        io.run();  // what waits has a deadline of its own
    }
    names.gate.open();
    CHECK(names.gate.hasLetPass(1));
    CHECK(resolver.errors.empty());
    // What came late is used.
    resolver.threads.wait();
    asio::io_context io;
    const auto late = resolver.ask(io, "hangs");
    io.run();
    CHECK(resolver.errors.size() == 1);
    CHECK(names.asked == 1);
}

TEST_CASE("sixteen look-ups run at the same time; one that nothing waits for any more never begins [C1]") {
    Names names;
    Resolver resolver([&](const std::string&) {
        ++names.asked;
        names.gate.pass();
        return loopback();
    });
    asio::io_context io;
    const auto work = asio::make_work_guard(io);
    std::vector<std::unique_ptr<NameLookup>> waiting;
    for (int i = 0; i < 17; ++i) waiting.push_back(resolver.ask(io, std::to_string(i)));
    auto dropped = resolver.ask(io, "dropped");
    CHECK(names.gate.holds(16));
    CHECK(names.asked == 16);
    dropped.reset();
    names.gate.open();
    while (resolver.errors.size() < 17) io.run_one_for(20s);
    resolver.threads.wait();
    CHECK(names.asked == 17);
}

TEST_CASE("contexts end while a look-up is about to be delivered to them [C1]") {
    for (int round = 0; round < 200; ++round) {
        Gate gate;
        Resolver resolver([&](const std::string&) {
            gate.pass();
            return loopback();
        });
        auto io = std::make_unique<asio::io_context>();
        auto waiting = resolver.ask(*io, "a");
        gate.open();
        if (round % 2 == 0) io->poll();
        waiting.reset();
        io.reset();
    }
}

TEST_CASE("the system's function knows localhost, and what does not exist [C1]") {
    const FoundHost found = systemLookUp("localhost");
    REQUIRE_FALSE(found.error);
    CHECK(found.endpoints.at(0).address().is_loopback());
    CHECK(found.endpoints.at(0).port() == 0);
    const FoundHost address = systemLookUp("::1");
    REQUIRE_FALSE(address.error);
    CHECK(address.endpoints.at(0).address() == asio::ip::make_address("::1"));
    CHECK(systemLookUp(std::string(300, 'a')).error);
}
