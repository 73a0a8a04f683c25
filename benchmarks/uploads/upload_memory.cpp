// 48 uploads of 12 MB at once: how much more memory does the process have when they are done? The server is another
// process, and each measurement is made in a new client process: an allocator keeps memory of earlier rounds.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include "support/arguments.hpp"
#include "support/measure.hpp"
#include "support/sample.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace wix::bench {
namespace {

constexpr std::size_t megabyte = std::size_t{1} << 20;
constexpr std::size_t bodyBytes = 12 * megabyte;
const std::string path = "/uploads/one";

// -- Processes --------------------------------------------------------------------------------------------------------

/// Runs a function in a child process, which ends when the function returns.
class Child {
public:
    template <class Function>
    explicit Child(Function function) : pid_(::fork()) {
        if (pid_ < 0) throw std::runtime_error("fork() failed");
        if (pid_ == 0) ::_exit(exitCode(function));
    }
    ~Child() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGTERM);
        wait();
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// Returns whether the function returned normally.
    bool wait() {
        int status = 0;
        return ::waitpid(std::exchange(pid_, -1), &status, 0) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

private:
    template <class Function>
    static int exitCode(Function& function) {
        try {
            function();
            return 0;
        } catch (const std::exception& error) {
            std::fprintf(stderr, "upload_memory: %s\n", error.what());
            return 1;
        }
    }
    pid_t pid_;
};

class Pipe {
public:
    Pipe() {
        if (::pipe(ends_) != 0) throw std::runtime_error("pipe() failed");
    }
    ~Pipe() {
        closeReading();
        closeWriting();
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    void closeReading() { close(ends_[0]); }
    void closeWriting() { close(ends_[1]); }
    void write(const std::string& text) {
        if (::write(ends_[1], text.data(), text.size()) != static_cast<ssize_t>(text.size()))
            throw std::runtime_error("cannot write to a pipe");
    }
    /// Reads until the writing end is closed.
    std::string readAll() {
        std::string text;
        char bytes[4096];
        for (ssize_t got; (got = ::read(ends_[0], bytes, sizeof bytes)) > 0;)
            text.append(bytes, static_cast<std::size_t>(got));
        return text;
    }

private:
    static void close(int& end) {
        if (end >= 0) ::close(std::exchange(end, -1));
    }
    int ends_[2];
};

// -- The server -------------------------------------------------------------------------------------------------------

/// Reads every upload completely, and responds with 200. Serves until the writing end of `lifetime` is closed.
void serve(bool tls, bool pin, Pipe& address, Pipe& lifetime) {
    address.closeReading();
    lifetime.closeWriting();
    if (pin) pinTo(Core::last);
    testing::FakeWixOptions options;
    options.tls = tls;
    options.maxBodyBytes = bodyBytes;
    testing::FakeWix fake(options);
    fake.failNext("unknown", std::numeric_limits<std::size_t>::max(), testing::ScriptedReply(200, "{}"));
    address.write(fake.url() + "\n" + fake.caPem());
    address.closeWriting();
    lifetime.readAll();
}

// -- The client -------------------------------------------------------------------------------------------------------

/// Resident bytes of this process, exactly; 0 where the system does not report them.
double residentBytes() {
    std::ifstream file("/proc/self/smaps_rollup");
    for (std::string word; file >> word;)
        if (double kilobytes = 0; word == "Rss:" && file >> kilobytes) return kilobytes * 1024;
    return 0;
}

struct Memory {
    double resident = residentBytes();
    double heap = static_cast<double>(heapBytes());
};

asio::awaitable<void> send(Client client, Request request, std::size_t* succeeded) {
    const Response response = co_await client.fetch(std::move(request));
    *succeeded += response.status() == 200;
}

class Uploader {
public:
    Uploader(const std::string& url, const std::string& caPem)
        : transport_(io_.get_executor(), transportOptions(caPem)),
          client_(transport_, OAuthStrategy(id), options(url)) {}

    /// Sends `count` requests at once, each on a connection of its own. Returns how many succeeded.
    std::size_t sendAll(std::size_t count, const std::string& method, std::size_t bytes) {
        std::size_t succeeded = 0;
        for (std::size_t i = 0; i < count; ++i) {
            Request request(method, path);
            if (bytes > 0) request.body(std::string(bytes, 'x'), "application/octet-stream");
            asio::co_spawn(io_, send(client_, std::move(request), &succeeded), rethrow);
        }
        io_.restart();
        io_.run();
        return succeeded;
    }
    std::size_t openConnections() const { return transport_.openConnections(); }

private:
    static constexpr const char* id = "11111111-2222-3333-4444-555555555555";
    static TransportOptions transportOptions(const std::string& caPem) {
        TransportOptions options;
        options.tls.caPem = caPem;
        return options;
    }
    static ClientOptions options(const std::string& url) {
        ClientOptions options;
        options.apiUrl = options.edgeUrl = url;
        options.allowPlainHttpToLoopback = true;
        return options;
    }
    asio::io_context io_{1};
    Transport transport_;
    Client client_;
};

void upload(const std::string& url, const std::string& caPem, bool tls, std::size_t uploads) {
    Uploader uploader(url, caPem);
    std::size_t failed = uploads - uploader.sendAll(uploads, "GET", 0);  // the connections are open after it
    const std::size_t connections = uploader.openConnections();
    const Memory before;
    failed += uploads - uploader.sendAll(uploads, "PUT", bodyBytes);
    const Memory after;

    json::object parameters;
    parameters["uploads"] = uploads;
    parameters["tls"] = tls;
    const auto report = [&parameters](const char* metric, const char* unit, double value) {
        sample("wix::Client", parameters, metric, unit, value);
    };
    constexpr auto unit = static_cast<double>(megabyte);
    if (before.resident > 0) {
        report("resident memory before uploads", "MB", before.resident / unit);
        report("resident memory added by uploads", "MB", (after.resident - before.resident) / unit);
    }
    report("heap added by uploads", "MB", (after.heap - before.heap) / unit);
    report("connections open before uploads", "count", static_cast<double>(connections));
    report("connections open after uploads", "count", static_cast<double>(uploader.openConnections()));
    report("failed uploads", "count", static_cast<double>(failed));
}

void measure(bool tls, bool pin, std::size_t uploads) {
    Pipe address, lifetime;
    Child server([&] { serve(tls, pin, address, lifetime); });
    address.closeWriting();
    const std::string text = address.readAll();
    const std::size_t end = text.find('\n');
    if (end == text.npos) throw std::runtime_error("the server did not start");
    Child client([&] {
        lifetime.closeWriting();  // else the server would outlive the parent
        if (pin) pinTo(Core::first);
        upload(text.substr(0, end), text.substr(end + 1), tls, uploads);
    });
    const bool succeeded = client.wait();
    lifetime.closeWriting();
    if (!server.wait() || !succeeded) throw std::runtime_error("a process failed");
}

void run(const Arguments& arguments) {
    const std::size_t uploads = arguments.smoke ? 4 : 48;
    const std::size_t rounds = arguments.rounds > 0 ? arguments.rounds : 5;
    for (std::size_t round = 0; round < rounds; ++round)
        for (const bool tls : {true, false}) measure(tls, arguments.pin, uploads);
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) { return wix::bench::runProgram(count, values, wix::bench::run); }
