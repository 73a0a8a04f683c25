// One server process of several that share a storage. It does what it is told on standard input, a line at a time, and
// answers with a line: `ready ...` where it waits for others, `done ...` at the end. Tokens are said as hashes.
//
//     visitor_process --api URL --ca FILE --storage file:PATH|dir:PATH|redis:URL --client ID --key KEY --gate FILE
//                     [--exchange-ms N] [--storage-ms N]
//
//     round N         waits at the gate, then makes a client, asks for its tokens and makes one API call
//     saves N KEY COUNT LOG    counts a record up COUNT times, each time by compare and set
//     leases N KEY COUNT LOG   takes the lease COUNT times
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include <wix/wix.hpp>

#ifdef WIX_TEST_REDIS
#include <wix/redis.hpp>
#endif

namespace asio = boost::asio;

namespace {

using Settings = std::map<std::string, std::string>;

/// Counts what the client did about its tokens.
class Exchanges final : public wix::Observer {
public:
    void renewalStarted(const wix::RenewalStarted&) override { ++started; }
    void renewalAdopted(const wix::RenewalAdopted&) override { ++adopted; }
    void sessionLost(const wix::SessionLost&) override { ++lost; }
    void saveFailed(const wix::SaveFailed&) override { ++unsaved; }
    int started = 0, adopted = 0, lost = 0, unsaved = 0;
};

std::shared_ptr<wix::TokenStorage> storageOf(asio::io_context& io, const std::string& text) {
    const std::string path = text.substr(text.find(':') + 1);
    if (text.starts_with("file:")) return std::make_shared<wix::FileTokenStorage>(path);
    if (text.starts_with("dir:")) return wix::FileTokenStorage::inDirectory(path);
#ifdef WIX_TEST_REDIS
    if (text.starts_with("redis:")) return std::make_shared<wix::RedisTokenStorage>(io.get_executor(), path);
#endif
    static_cast<void>(io);
    throw std::runtime_error("an unknown storage");
}

/// Whoever tells us to start holds the gate until all have said that they are ready.
void waitAtGate(const std::string& gate) {
    const int file = ::open(gate.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 || ::flock(file, LOCK_SH) != 0) throw std::runtime_error("no gate");
    ::close(file);
}

void append(const std::string& file, const std::string& line) {
    const int log = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0 || ::write(log, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        throw std::runtime_error("cannot write the log");
    ::close(log);
}

asio::awaitable<void> visit(wix::Client client, std::ostringstream* said) {
    const wix::Tokens tokens = co_await client.generateVisitorTokens();
    const std::hash<std::string> hash;
    *said << " refresh=" << hash(tokens.refreshToken.value) << " access=" << hash(tokens.accessToken.value);
    const auto body = wix::object("query", wix::object("paging", wix::object("limit", 1)));
    co_await client.post("/stores-reader/v1/products/query", body);
    *said << " call=ok";
}

asio::awaitable<void> countUp(std::shared_ptr<wix::TokenStorage> storage, std::string key, int count, std::string log) {
    for (int saved = 0; saved < count;) {
        const std::optional<wix::StoredTokens> present = co_await storage->load(key);
        const int number = present ? std::stoi(present->tokens.accessToken.value) : 0;
        wix::Tokens next(wix::AccessToken(std::to_string(number + 1), {}),
                         wix::RefreshToken("r", wix::TokenRole::visitor));
        std::optional<wix::SaveResult> result;
        try {
            result = co_await storage->save(key, std::move(next), present ? present->version : 0);
        } catch (const wix::Error& error) {
            // The others may have had the lock all the time, on a disk that is busy with something else.
            if (error.code() != wix::Errc::storage_unavailable) throw;
        }
        if (!result || !result->isSaved()) continue;
        ++saved;
        append(log, std::to_string(result->version()) + "\n");
    }
}

asio::awaitable<void> takeLeases(std::shared_ptr<wix::TokenStorage> storage, std::string key, int count,
                                 std::string log) {
    asio::steady_timer pause(co_await asio::this_coro::executor);
    for (int taken = 0; taken < count;) {
        std::optional<wix::RenewalLease> lease = co_await storage->acquireLease(key, std::chrono::minutes(1));
        if (lease) {
            ++taken;
            append(log, "begin " + std::to_string(::getpid()) + "\n");
            append(log, "end " + std::to_string(::getpid()) + "\n");
            lease.reset();
        }
        pause.expires_after(std::chrono::microseconds(200));
        co_await pause.async_wait(asio::use_awaitable);
    }
}

class VisitorProcess {
public:
    explicit VisitorProcess(Settings settings) : settings_(std::move(settings)) {
        storage_ = storageOf(io_, settings_.at("storage"));
        options_.apiUrl = options_.edgeUrl = settings_["api"];
        options_.transport.tls.caFile = settings_["ca"];
        if (const std::string& time = settings_["exchange-ms"]; !time.empty())
            options_.timeouts.tokenExchange = std::chrono::milliseconds(std::stoi(time));
        if (const std::string& time = settings_["storage-ms"]; !time.empty())
            options_.timeouts.storage = std::chrono::milliseconds(std::stoi(time));
        if (!settings_["api"].empty()) transport_.emplace(io_.get_executor(), options_.transport);
    }

    void obey(const std::string& line) {
        std::istringstream words(line);
        std::string command, number, key, log;
        int count = 0;
        words >> command >> number >> key >> count >> log;
        std::ostringstream said;
        say("ready " + number);
        waitAtGate(settings_.at("gate"));
        try {
            if (command == "round") {
                round(said);
            } else {
                run(command == "saves" ? countUp(storage_, key, count, log) : takeLeases(storage_, key, count, log));
            }
        } catch (const std::exception& error) {
            said << " error=" << error.what();
        }
        say("done " + number + " end" + said.str());
    }

private:
    void round(std::ostringstream& said) {
        const auto exchanges = std::make_shared<Exchanges>();
        options_.observer = exchanges;
        wix::OAuthStrategy strategy(settings_.at("client"));
        strategy.sessionKey = settings_["key"];
        strategy.storage = storage_;
        const wix::Client client(*transport_, strategy, options_);
        run(visit(client, &said));
        run(client.close());
        said << " exchanges=" << exchanges->started << " adopted=" << exchanges->adopted << " lost=" << exchanges->lost
             << " unsaved=" << exchanges->unsaved;
    }

    void run(asio::awaitable<void> operation) {
        std::exception_ptr failure;
        asio::co_spawn(io_, std::move(operation), [&](std::exception_ptr error) { failure = error; });
        io_.restart();
        io_.run();
        if (failure) std::rethrow_exception(failure);
    }

    static void say(const std::string& line) {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    }

    Settings settings_;
    asio::io_context io_;
    std::shared_ptr<wix::TokenStorage> storage_;
    wix::ClientOptions options_;
    std::optional<wix::Transport> transport_;
};

}  // namespace

int main(int count, char** arguments) {
    try {
        Settings settings;
        for (int i = 1; i + 1 < count; i += 2) settings[std::string(arguments[i]).substr(2)] = arguments[i + 1];
        VisitorProcess process(std::move(settings));
        for (std::string line; std::getline(std::cin, line);) process.obey(line);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "visitor_process: %s\n", error.what());
        return 1;
    }
}
