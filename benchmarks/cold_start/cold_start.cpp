// How long does the first answer take, and what does a connection cost that resumes a TLS session?
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "cold_start/raw_asio.hpp"
#include "support/arguments.hpp"
#include "support/measure.hpp"
#include "support/sample.hpp"
#include "support/tls_server.hpp"
#include "support/toxic_proxy.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace wix::bench {
namespace {

using test::Direction;
using test::ToxicProxy;
using Time = std::chrono::steady_clock;

const std::string clientId = "11111111-2222-3333-4444-555555555555";
const std::string ours = "wix::Client";
const std::string byHand = "raw Asio";

std::string urlOf(std::uint16_t port) { return "https://127.0.0.1:" + std::to_string(port); }
double count(std::uint64_t number) { return static_cast<double>(number); }

/// Ends when all that was spawned has ended; throws what that threw.
class Run {
public:
    asio::io_context& io() noexcept { return io_; }
    template <class Result>
    void operator()(asio::awaitable<Result> what) {
        std::exception_ptr failed;
        io_.restart();
        asio::co_spawn(io_, std::move(what), [&failed](std::exception_ptr error, auto&&...) { failed = error; });
        io_.run();
        if (failed) std::rethrow_exception(failed);
    }

private:
    asio::io_context io_{1};
};

// -- The first answer --------------------------------------------------------------------------------------------------

/// A Wix that is far away, under one or two host names.
class FarAway {
public:
    explicit FarAway(std::chrono::milliseconds roundTrip) : api(fake.port()), edge(fake.port()) {
        test::Toxics later;
        later.latency = roundTrip / 2;
        for (ToxicProxy* each : {&api, &edge})
            for (const Direction direction : {Direction::upstream, Direction::downstream}) each->set(direction, later);
    }
    testing::FakeWix fake;
    ToxicProxy api, edge;
};

class Stopwatch {
public:
    double wallMicros() const { return std::chrono::duration<double, std::micro>(Time::now() - began_).count(); }
    double cpuMicros() const { return threadCpuMicros() - cpu_; }

private:
    Time::time_point began_ = Time::now();
    double cpu_ = threadCpuMicros();
};

struct FirstAnswer {
    FirstAnswer(const Stopwatch& watch, std::chrono::milliseconds roundTrip)
        : micros(watch.wallMicros()), cpu(watch.cpuMicros()), roundTrips(micros / 1e3 / count(roundTrip.count())) {}
    void say(const std::string& who, const json::object& parameters) const {
        sample(who, parameters, "time", "ms", micros / 1e3);
        sample(who, parameters, "round trips", "ratio", roundTrips);
        sample(who, parameters, "client CPU", "µs", cpu);
    }
    double micros, cpu, roundTrips;
};

/// From nothing but a client id.
void ask(const FarAway& wix, bool throughEdge) {
    ClientOptions options;
    options.apiUrl = urlOf(wix.api.port());
    options.edgeUrl = urlOf(wix.edge.port());
    options.useCDN = throughEdge;
    options.transport.tls.caPem = wix.fake.caPem();
    Run run;
    const Client client(run.io().get_executor(), OAuthStrategy(clientId), options);
    run(client.post("/stores-reader/v1/products/query", object("query", object())));
}

void askByHand(const FarAway& wix) {
    Run run;
    RawAsio client(wix.fake.caPem(), TLS1_3_VERSION);
    run(client.firstAnswer(wix.api.port()));
}

void sayFlights(const std::string& who, const json::object& parameters, const FarAway& wix,
                const test::ProxyCounts& api, const test::ProxyCounts& edge) {
    const test::ProxyCounts apiNow = wix.api.counts(), edgeNow = wix.edge.counts();
    sample(who, parameters, "connections", "count",
           count(apiNow.accepted() - api.accepted() + edgeNow.accepted() - edge.accepted()));
    sample(who, parameters, "flights to the token's host", "count", count(apiNow.flights() - api.flights()));
    if (edgeNow.accepted() > edge.accepted())
        sample(who, parameters, "flights to the edge host", "count", count(edgeNow.flights() - edge.flights()));
}

template <class Subject>
void measureFirst(const std::string& who, int hosts, const FarAway& wix, std::chrono::milliseconds roundTrip,
                  Subject subject) {
    json::object parameters;
    parameters["hosts"] = hosts;
    parameters["rtt"] = roundTrip.count();
    const test::ProxyCounts api = wix.api.counts(), edge = wix.edge.counts();
    const Stopwatch watch;
    subject();
    const FirstAnswer answer(watch, roundTrip);
    answer.say(who, parameters);
    sayFlights(who, parameters, wix, api, edge);
}

void firstAnswers(std::size_t rounds, bool pin) {
    constexpr std::chrono::milliseconds roundTrip{50};
    FarAway wix(roundTrip);
    if (pin) pinTo(Core::first);
    ask(wix, false);  // a process has set up OpenSSL once
    for (std::size_t round = 0; round < rounds; ++round) {
        measureFirst(ours, 1, wix, roundTrip, [&wix] { ask(wix, false); });
        measureFirst(ours, 2, wix, roundTrip, [&wix] { ask(wix, true); });
        measureFirst(byHand, 1, wix, roundTrip, [&wix] { askByHand(wix); });
    }
}

// -- Resumed handshakes ------------------------------------------------------------------------------------------------

const std::string accessToken(760, 'a');

/// A client that opens a connection for each call, since this server closes it after each.
class Reconnecting {
public:
    Reconnecting(std::uint16_t port, const std::string& caPem) {
        OAuthStrategy strategy(clientId);
        const auto expiry = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()) +
                            std::chrono::hours(4);
        strategy.tokens =
            Tokens(AccessToken(accessToken, expiry), RefreshToken(std::string(400, 'r'), TokenRole::visitor));
        ClientOptions options;
        options.apiUrl = options.edgeUrl = urlOf(port);
        options.transport.tls.caPem = caPem;
        client_ = std::make_unique<Client>(run_.io().get_executor(), strategy, options);
    }
    void call(std::size_t times) { run_(inTurn(*client_, times)); }

private:
    static asio::awaitable<void> inTurn(Client client, std::size_t times) {
        for (std::size_t i = 0; i < times; ++i) co_await client.get("/x");
    }
    Run run_;
    std::unique_ptr<Client> client_;
};

/// One kind of server, and what connects to it again and again.
class Handshakes {
public:
    Handshakes(const testing::detail::ServerCredentials& credentials, int version, bool resumes)
        : resumes_(resumes),
          version_(version),
          server_(setup(credentials, version, resumes)),
          client_(server_.port(), credentials.caCertificate),
          handmade_(credentials.caCertificate, version) {
        client_.call(1);
        byHandAgain(1);
    }

    void measure(std::size_t connections) {
        const Part byClient = part([&] { client_.call(connections); });
        const Part handmade = part([&] { byHandAgain(connections); });
        say(ours, byClient, connections);
        say(byHand, handmade, connections);
    }

private:
    struct Part {
        Part(double micros, int sessions) : cpu(micros), resumed(sessions) {}
        double cpu;
        int resumed;
    };
    void byHandAgain(std::size_t times) { run_(handmade_.again(server_.port(), times, accessToken)); }
    template <class Work>
    Part part(Work work) {
        const int resumed = server_.resumed;
        const Stopwatch watch;
        work();
        return Part(watch.cpuMicros(), server_.resumed - resumed);
    }
    void say(const std::string& who, const Part& part, std::size_t connections) const {
        json::object parameters;
        parameters["tls"] = version_ == TLS1_3_VERSION ? "1.3" : "1.2";
        const std::string kind = resumes_ ? "resumed" : "full";
        sample(who, parameters, kind + " handshake, client CPU", "µs/connection",
               part.cpu / static_cast<double>(connections));
        // Of 100, whatever the count is: the same in a smoke run.
        sample(who, parameters, kind + " handshake, sessions resumed", "%",
               100.0 * part.resumed / static_cast<double>(connections));
    }
    static test::ServerSetup setup(const testing::detail::ServerCredentials& credentials, int version, bool resumes) {
        test::ServerSetup made(credentials);
        made.maxVersion = version;
        made.resumes = resumes;
        return made;
    }

    bool resumes_;
    int version_;
    test::TlsServer server_;
    Reconnecting client_;
    Run run_;
    RawAsio handmade_;
};

void handshakes(std::size_t rounds, std::size_t connections) {
    const auto credentials = testing::detail::makeCredentials(testing::Certificate::valid, true);
    std::vector<std::unique_ptr<Handshakes>> kinds;
    for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION})
        for (const bool resumes : {false, true})
            kinds.push_back(std::make_unique<Handshakes>(credentials, version, resumes));
    for (std::size_t round = 0; round < rounds; ++round)
        for (const auto& kind : kinds) kind->measure(connections);
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) {
    try {
        const wix::bench::Arguments arguments = wix::bench::readArguments(count, values);
        wix::bench::firstAnswers(arguments.rounds, arguments.pin);
        wix::bench::handshakes(arguments.rounds, arguments.smoke ? 5 : 150);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "cold_start: %s\n", error.what());
        return 1;
    }
}
