// What does one JSON call cost the client, over TLS, with 64 under way, beside raw Beast in the same run?
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <vector>

#include <wix/wix.hpp>

#include "contender.hpp"
#include "raw_beast.hpp"
#include "support/allocation_count.hpp"
#include "support/arguments.hpp"
#include "support/fast_server.hpp"
#include "support/measure.hpp"
#include "support/table.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace wix::bench {
namespace {

asio::awaitable<void> getInTurn(Client client, std::size_t* left) {
    while (*left > 0) {
        --*left;
        const json::value answer = co_await client.get(productPath);
        if (!answer.at("product").is_object()) throw std::runtime_error("client.get gave another answer");
    }
}

asio::awaitable<void> fetchInTurn(Client client, std::size_t* left) {
    while (*left > 0) {
        --*left;
        Request request("GET", productPath);
        request.header("Accept", "application/json");
        const Response answer = co_await client.fetch(std::move(request));
        if (answer.status() != 200 || answer.body().size() <= 900)
            throw std::runtime_error("client.fetch gave another answer");
    }
}

asio::awaitable<void> readToken(Client client, std::string* token) {
    const Tokens tokens = co_await client.generateVisitorTokens();
    *token = tokens.accessToken.value;
}

/// The SDK, with its defaults.
class Sdk final : public Contender {
public:
    enum class Call { get, fetch };
    Sdk(const FastServer& server, Call call) : call_(call) {
        ClientOptions options;
        options.apiUrl = options.edgeUrl = server.url();
        options.transport.tls.caPem = server.caPem();
        options.transport.maxConnectionsPerOrigin = connections;
        client_ = std::make_unique<Client>(io_.get_executor(), OAuthStrategy("11111111-2222-3333-4444-555555555555"),
                                           options);
    }

    std::string name() const override { return call_ == Call::get ? "client.get" : "client.fetch, body as a string"; }

    void make(std::size_t calls) override {
        std::size_t left = calls;
        for (std::size_t i = 0; i < connections; ++i)
            spawn(call_ == Call::get ? getInTurn(*client_, &left) : fetchInTurn(*client_, &left));
        run();
    }

    std::string accessToken() {
        std::string token;
        spawn(readToken(*client_, &token));
        run();
        return token;
    }

private:
    void spawn(asio::awaitable<void> operation) {
        asio::co_spawn(io_, std::move(operation), [this](std::exception_ptr error) {
            if (error) failed_ = error;
        });
    }
    void run() {
        io_.restart();
        io_.run();
        if (failed_) std::rethrow_exception(failed_);
    }

    Call call_;
    asio::io_context io_{1};
    std::exception_ptr failed_;
    std::unique_ptr<Client> client_;
};

struct Samples {
    Samples() = default;
    std::vector<double> cpu;  // µs for each call, by round
    std::vector<double> wall;
    double allocations = 0;  // for each call
};

void measure(Contender& contender, std::size_t calls, Samples& into) {
    const auto allocations = allocationsOfThread();
    const auto began = std::chrono::steady_clock::now();
    const double cpu = threadCpuMicros();
    contender.make(calls);
    const double each = 1.0 / static_cast<double>(calls);
    into.cpu.push_back((threadCpuMicros() - cpu) * each);
    into.wall.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count() *
                        each);
    into.allocations = static_cast<double>(allocationsOfThread() - allocations) * each;
}

/// Round by round, so that what disturbs a round disturbs both.
std::string ratio(const Samples& of, const Samples& to) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < of.cpu.size(); ++i) ratios.push_back(of.cpu[i] / to.cpu[i]);
    return fixed(median(ratios), 2) + " (" + fixed(smallest(ratios), 2) + "–" + fixed(largest(ratios), 2) + ")";
}

void compare(const Arguments& arguments) {
    const std::size_t calls = arguments.smoke ? 200 : arguments.quick ? 2'500 : 10'000;
    const std::size_t rounds = arguments.rounds > 0 ? arguments.rounds : arguments.smoke ? 1 : arguments.quick ? 5 : 15;
    const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(arguments.quick ? 4 : 25);

    const FastServer server(arguments.pin);
    if (arguments.pin) pinTo(Core::first);
    auto get = std::make_unique<Sdk>(server, Sdk::Call::get);
    const std::string token = get->accessToken();

    enum Row { rawString, fetched, rawParsed, got, rawStack, count };
    std::vector<std::unique_ptr<Contender>> contenders(count);
    contenders[rawString] = rawBeast(server.port(), server.caPem(), token, Body::string);
    contenders[fetched] = std::make_unique<Sdk>(server, Sdk::Call::fetch);
    contenders[rawParsed] = rawBeast(server.port(), server.caPem(), token, Body::parsed);
    contenders[got] = std::move(get);
    contenders[rawStack] = rawBeast(server.port(), server.caPem(), token, Body::parsedOnStack);

    for (const auto& contender : contenders)
        contender->make(arguments.smoke ? 200 : 2'000);  // connections, caches, tickets
    std::vector<Samples> samples(count);
    std::size_t done = 0;
    for (; done < rounds && (done == 0 || std::chrono::steady_clock::now() < latest); ++done)
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t row = done % 2 == 0 ? i : count - 1 - i;  // none is always first
            measure(*contenders[row], calls, samples[row]);
        }

    Table table({"one call, TLS 1.3, 64 under way", "client CPU µs", "× its rival (range of rounds)", "allocations",
                 "calls/s"});
    const auto row = [&](Row which, const std::string& against) {
        const Samples& s = samples[which];
        table.row({contenders[which]->name(), fixed(median(s.cpu), 2), against, fixed(s.allocations, 1),
                   fixed(1e6 / median(s.wall), 0)});
    };
    row(rawParsed, "1");
    row(got, ratio(samples[got], samples[rawParsed]));
    row(rawStack, ratio(samples[rawStack], samples[rawParsed]));
    row(rawString, "1");
    row(fetched, ratio(samples[fetched], samples[rawString]));
    table.print();
    std::printf("\n%zu rounds of %zu calls each, the contenders in turn; medians.\n", done, calls);
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) {
    try {
        wix::bench::compare(wix::bench::readArguments(count, values));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "call_bench: %s\n", error.what());
        return 1;
    }
}
