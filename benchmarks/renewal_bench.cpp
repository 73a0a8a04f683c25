// A token has expired, thousands of callers come at once: how many exchanges, and when is the last one served?
// Ends with 1 if there was more than one exchange, or more than one visitor.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include "support/arguments.hpp"
#include "support/measure.hpp"
#include "support/table.hpp"

namespace asio = boost::asio;

namespace wix::bench {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;
constexpr std::chrono::milliseconds tokenDelay{50};
const std::string clientId = "11111111-2222-3333-4444-555555555555";

asio::awaitable<void> oneCaller(Client client, std::string* token) {
    const Tokens tokens = co_await client.generateVisitorTokens();
    *token = tokens.accessToken.value;
}

/// What one crowd of callers has cost.
struct Outcome {
    Outcome() = default;
    double milliseconds = 0;  // until the last one has its token
    double cpuMilliseconds = 0;
    double heapPerCaller = 0;  // while they wait
    std::uint64_t exchanges = 0;
    std::uint64_t visitors = 0;
};

class Crowd {
public:
    explicit Crowd(testing::FakeWix& fake) : fake_(fake), transport_(io_.get_executor(), transportOptions(fake)) {
        options_.apiUrl = options_.edgeUrl = fake.url();
        // A connection is open already, as in a server that is at work.
        std::string token;
        const Client first = client(Tokens());
        spawn(first, &token);
        asio::co_spawn(io_, keep(first, &session_), asio::detached);
        run();
    }

    /// `sharing`: all call one client. Otherwise each has a client of its own with the same tokens and renews by itself.
    Outcome renew(std::size_t callers, bool sharing) {
        Tokens expired = session_;
        expired.accessToken.expiresAt = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
        std::vector<Client> clients;
        for (std::size_t i = 0; i < (sharing ? 1 : callers); ++i) clients.push_back(client(expired));
        std::vector<std::string> tokens(callers);

        Outcome outcome;
        const std::uint64_t before = exchanges();
        asio::steady_timer waiting(io_, tokenDelay / 2);
        const std::size_t heap = heapBytes();
        const auto count = static_cast<double>(callers);
        waiting.async_wait([&](const boost::system::error_code&) {
            const std::size_t now = heapBytes();
            outcome.heapPerCaller = now > heap ? static_cast<double>(now - heap) / count : 0;
        });
        const auto began = std::chrono::steady_clock::now();
        const double cpu = threadCpuMicros();
        for (std::size_t i = 0; i < callers; ++i) spawn(clients[sharing ? 0 : i], &tokens[i]);
        run();
        outcome.milliseconds = Milliseconds(std::chrono::steady_clock::now() - began).count();
        outcome.cpuMilliseconds = (threadCpuMicros() - cpu) / 1e3;
        outcome.exchanges = exchanges() - before;
        outcome.visitors = fake_.state().visitors;
        for (const std::string& token : tokens)
            if (token.empty() || (sharing && token != tokens[0]))
                throw std::runtime_error("a caller got another token");
        return outcome;
    }

private:
    static TransportOptions transportOptions(const testing::FakeWix& fake) {
        TransportOptions options;
        options.tls.caPem = fake.caPem();
        return options;
    }
    static asio::awaitable<void> keep(Client client, Tokens* tokens) {
        Tokens active = co_await client.generateVisitorTokens();
        *tokens = std::move(active);
    }

    Client client(Tokens tokens) {
        OAuthStrategy strategy(clientId);
        strategy.tokens = std::move(tokens);
        return Client(transport_, std::move(strategy), options_);
    }
    std::uint64_t exchanges() const {
        std::uint64_t all = 0;
        for (const auto& [grant, count] : fake_.state().tokens) all += count;
        return all;
    }
    void spawn(Client client, std::string* token) {
        asio::co_spawn(io_, oneCaller(std::move(client), token), [this](std::exception_ptr error) {
            if (error) failed_ = error;
        });
    }
    void run() {
        io_.restart();
        io_.run();
        if (failed_) std::rethrow_exception(failed_);
    }

    testing::FakeWix& fake_;
    asio::io_context io_{1};
    std::exception_ptr failed_;
    Transport transport_;
    ClientOptions options_;
    Tokens session_;
};

struct Question {
    Question(std::string name, std::size_t callers, bool sharing, std::size_t rounds)
        : name(std::move(name)), callers(callers), sharing(sharing), rounds(rounds) {}
    std::string name;
    std::size_t callers;
    bool sharing;
    std::size_t rounds;
    std::vector<double> milliseconds, beyond, cpu, heap;
    std::uint64_t mostExchanges = 0;
    std::uint64_t mostVisitors = 0;
};

bool compare(const Arguments& arguments) {
    testing::FakeWix fake;  // on a thread of its own
    Crowd crowd(fake);
    fake.setDelay("token", tokenDelay);

    const std::size_t rounds = arguments.rounds > 0 ? arguments.rounds : arguments.quick ? 5 : 21;
    std::vector<Question> questions;
    questions.emplace_back("one caller: the exchange itself", 1, true, rounds);
    questions.emplace_back("1 000 callers, one client", 1'000, true, rounds);
    questions.emplace_back("10 000 callers, one client", 10'000, true, rounds);
    questions.emplace_back("naive: 1 000 callers, each renews", 1'000, false, arguments.quick ? 1 : 3);

    const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(arguments.quick ? 2 : 12);
    std::size_t done = 0;
    for (; done < rounds && (done == 0 || std::chrono::steady_clock::now() < latest); ++done) {
        double exchange = 0;
        for (Question& question : questions) {
            if (done >= question.rounds) continue;
            const Outcome outcome = crowd.renew(question.callers, question.sharing);
            if (question.callers == 1) exchange = outcome.milliseconds;
            question.milliseconds.push_back(outcome.milliseconds);
            question.beyond.push_back(outcome.milliseconds - exchange);
            question.cpu.push_back(outcome.cpuMilliseconds * 1e3 / static_cast<double>(question.callers));
            question.heap.push_back(outcome.heapPerCaller);
            question.mostExchanges = std::max(question.mostExchanges, outcome.exchanges);
            question.mostVisitors = std::max(question.mostVisitors, outcome.visitors);
        }
    }

    bool good = true;
    Table table({"expired token, exchange takes 50 ms", "exchanges", "visitors", "all served after ms",
                 "beyond one exchange ms", "CPU µs a caller", "heap B a waiter"});
    for (const Question& question : questions) {
        const bool crowded = question.callers > 1;
        table.row({question.name, std::to_string(question.mostExchanges), std::to_string(question.mostVisitors),
                   fixed(median(question.milliseconds), 1), crowded ? fixed(median(question.beyond), 1) : "",
                   crowded ? fixed(median(question.cpu), 1) : "",
                   crowded && question.sharing ? fixed(median(question.heap), 0) : ""});
        if (question.sharing) good = good && question.mostExchanges == 1 && question.mostVisitors == 1;
    }
    table.print();
    std::printf("\nMedians of %zu rounds; exchanges and visitors are the largest of any round.\n", done);
    if (!good) std::puts("WRONG: callers of one client did not share one exchange, or a visitor was lost.");
    return good;
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) {
    try {
        return wix::bench::compare(wix::bench::readArguments(count, values)) ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "renewal_bench: %s\n", error.what());
        return 1;
    }
}
