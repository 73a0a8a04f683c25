// Many callers at once, when it is told to: renewal_callers URL CAFILE DESIGN. conductor/crowd.py says what it
// understands, call_designs.hpp what the designs are.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "renewal/call_designs.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace wix::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::size_t mostPrepared = 1'000;  // more than there are connections

/// Of the whole process, user and system.
double processCpuMicros() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

asio::awaitable<void> keepTokens(Client client, Tokens* tokens) { *tokens = co_await client.generateVisitorTokens(); }

/// Of callers that want their tokens alone.
struct Arrivals {
    explicit Arrivals(std::size_t callers) : tokens(callers) {}
    std::vector<Tokens> tokens;
    std::size_t arrived = 0;
    SteadyClock::time_point lastAt;
};

asio::awaitable<void> takeTokens(asio::awaitable<Tokens> coming, Arrivals* arrivals, std::size_t place) {
    arrivals->tokens[place] = co_await std::move(coming);
    if (++arrivals->arrived == arrivals->tokens.size()) arrivals->lastAt = SteadyClock::now();
}

/// One io_context on one thread, with connections open, as in a server that is at work.
class Callers {
public:
    Callers(std::string url, std::string caFile, std::string design)
        : design_(std::move(design)), session_(transport(std::move(caFile)), options(std::move(url))) {
        makeDesign(design_, session_, 0);  // throws now if there is none
    }

    json::object answer(const std::string& line) {
        std::istringstream words(line);
        std::string command;
        std::size_t callers = 0;
        if (!(words >> command >> callers) || callers == 0) throw std::invalid_argument("what is \"" + line + "\"?");
        if (command == "prepare") return prepare(callers);
        if (command != "renew" && command != "begin" && command != "tokens")
            throw std::invalid_argument("what is \"" + command + "\"?");
        session_.tokens = command == "begin" ? Tokens() : expired_;
        const DesignPtr design = makeDesign(design_, session_, callers);
        return command == "tokens" ? crowdForTokens(*design, callers) : crowd(*design, callers);
    }

private:
    Transport transport(std::string caFile) {
        TransportOptions options;
        options.tls.caFile = std::move(caFile);
        return Transport(io_.get_executor(), options);
    }
    static ClientOptions options(std::string url) {
        ClientOptions options;
        options.apiUrl = options.edgeUrl = std::move(url);
        return options;
    }

    json::object prepare(std::size_t callers) {
        session_.tokens = Tokens();
        asio::co_spawn(io_, keepTokens(session_.client(), &session_.tokens), rethrow);
        run();
        expired_ = session_.tokens;
        expired_.accessToken.expiresAt = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
        return crowd(*makeDesign("client", session_, callers), std::min(callers, mostPrepared));
    }

    json::object crowd(CallDesign& design, std::size_t callers) {
        const auto began = SteadyClock::now();
        const double cpuBegan = processCpuMicros();
        for (std::size_t i = 0; i < callers; ++i) asio::co_spawn(io_, design.call(), rethrow);
        run();
        return said(SteadyClock::now() - began, processCpuMicros() - cpuBegan);
    }
    json::object crowdForTokens(CallDesign& design, std::size_t callers) {
        Arrivals arrivals(callers);
        const auto began = SteadyClock::now();
        const double cpuBegan = processCpuMicros();
        for (std::size_t i = 0; i < callers; ++i)
            asio::co_spawn(io_, takeTokens(design.tokens(), &arrivals, i), rethrow);
        run();
        const double cpu = processCpuMicros() - cpuBegan;
        for (const Tokens& tokens : arrivals.tokens)
            if (tokens.accessToken.expiresAt <= std::chrono::system_clock::now())
                throw std::runtime_error("a caller got no valid token");
        return said(arrivals.lastAt - began, cpu);
    }
    static json::object said(std::chrono::duration<double, std::milli> took, double cpuMicros) {
        json::object answer;
        answer["cpuMicros"] = cpuMicros;
        answer["millis"] = took.count();
        return answer;
    }
    void run() {
        io_.restart();
        io_.run();
    }

    asio::io_context io_{1};
    std::string design_;
    SharedSession session_;
    Tokens expired_;
};

void say(const json::object& answer) {
    std::puts(json::serialize(answer).c_str());
    std::fflush(stdout);
}

void serve(int count, char** values) {
    if (count != 4) throw std::invalid_argument("usage: renewal_callers URL CAFILE DESIGN");
    Callers callers(values[1], values[2], values[3]);
    json::object ready;
    ready["ready"] = true;
    say(ready);
    std::string line;
    while (std::getline(std::cin, line)) say(callers.answer(line));
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) {
    try {
        wix::bench::serve(count, values);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "renewal_callers: %s\n", error.what());
        return 1;
    }
}
