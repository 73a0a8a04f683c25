// A shop that embeds the SDK: an asynchronous server, a session for each visitor, pages without JavaScript.
//
// It serves plain HTTP on 127.0.0.1. In production a front (nginx, a load balancer) ends TLS, passes the Host header on,
// and keeps /metrics to itself; then say --public-url https://..., and the cookie is for https only.
#include <wix/run.hpp>
#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>
#ifdef STOREFRONT_REDIS
#include <wix/redis.hpp>
#endif

#include <boost/lexical_cast.hpp>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "server.hpp"

namespace fs = std::filesystem;

constexpr std::string_view usage = R"(usage: storefront [OPTIONS], by default on a Wix within this program
  --live CLIENT_ID        a real site: the client id of its Headless settings
  --api-url URL           a fake Wix elsewhere
  --ca-file FILE          who has signed its certificate
  --port N                of 127.0.0.1; 0, the default, takes a free one
  --store DIR             where sessions sleep, and cookie.key has the keys of cookies (default: storefront-data)
  --redis URL             sessions sleep in Redis instead
  --public-url URL        what browsers call this shop (default: http://127.0.0.1:PORT)
  --connections N         of browsers at a time; more wait (default: 1000)
  --patience SECONDS      so long a browser may take for a request (default: 15)
)";

using Options = std::map<std::string, std::string>;

Options parse(const std::vector<std::string>& arguments) {
    Options options{{"--port", "0"}, {"--store", "storefront-data"}, {"--connections", "1000"}, {"--patience", "15"}};
    for (std::size_t i = 0; i < arguments.size(); i += 2) {
        if (i + 1 == arguments.size() || usage.find("\n  " + arguments[i] + " ") == usage.npos)
            throw std::invalid_argument(
                (arguments[i] == "--help" ? "" : arguments[i] + " is unknown, or needs a value\n") +
                std::string(usage));
        options[arguments[i]] = arguments[i + 1];
    }
    return options;
}

int numberOf(const Options& options, const std::string& name, int most) {
    int value = 0;
    if (!boost::conversion::try_lexical_convert(options.at(name), value) || value < 0 || value > most)
        throw std::invalid_argument(name + " must be a number up to " + std::to_string(most));
    return value;
}

/// Lines of an id and 64 hexadecimal digits, the newest key first. Without the file it is made, with one key.
std::vector<wix::CookieKey> loadKeys(const fs::path& file) {
    if (std::FILE* made = std::fopen(file.c_str(), "wx")) {
        std::fputs(("k1 " + randomHex(32) + "\n").c_str(), made);
        std::fclose(made);
    }
    std::vector<wix::CookieKey> keys;
    std::ifstream in(file);
    for (std::string id, hex; in >> id >> hex;) keys.push_back(wix::CookieKey::fromHex(id, hex));
    if (keys.empty()) throw std::runtime_error(file.string() + " must have lines of an id and 64 hexadecimal digits");
    if ((fs::status(file).permissions() & (fs::perms::group_all | fs::perms::others_all)) != fs::perms::none)
        throw std::runtime_error(file.string() + " must be readable by its owner only: chmod 600");
    return keys;
}

std::shared_ptr<wix::TokenStorage> openStorage(asio::io_context& io, Options& options) {
    if (options["--redis"].empty()) {
        const fs::path directory = fs::path(options["--store"]) / "sessions";
        fs::create_directories(directory);
        return wix::FileTokenStorage::inDirectory(directory);
    }
#ifdef STOREFRONT_REDIS
    auto redis = std::make_shared<wix::RedisTokenStorage>(io.get_executor(), options["--redis"]);
    wix::run(io, redis->connect());  // a wrong host or password is told now
    return redis;
#else
    (void)io;
    throw std::invalid_argument(
        "--redis: this shop was built without wix::redis; install libhiredis-dev and pkg-config (./run packages) and "
        "build it "
        "again (./run shop)");
#endif
}

asio::awaitable<void> stopAtSignal(Server& server, Shop& shop, wix::Transport transport) {
    asio::signal_set signals(co_await asio::this_coro::executor, SIGTERM, SIGINT);
    co_await signals.async_wait(asio::use_awaitable);
    signals.clear();  // a second one ends the program at once
    writeLog("stopping");
    co_await server.drain(seconds(10));
    co_await shop.close();
    co_await transport.close();
    writeLog("stopped");
}

void run(Options options) {
    ::umask(077);  // sessions and keys are for the owner only
    fs::create_directories(options["--store"]);
    asio::io_context io(1);
    std::optional<wix::testing::FakeWix> fake;
    const auto metrics = std::make_shared<Metrics>();
    wix::ClientOptions client;
    client.observer = metrics;
    client.timeouts.call = seconds(8);  // longer than that no visitor waits for a page
    if (!options["--api-url"].empty()) {
        client.apiUrl = options["--api-url"];
        client.transport.tls.caFile = options["--ca-file"];
    } else if (options["--live"].empty()) {
        wix::testing::FakeWixOptions demo;
        demo.stateFile = (fs::path(options["--store"]) / "fake-wix.json").string();  // carts survive a restart
        demo.tls = false;  // so that the browser can open its checkout without a warning
        fake.emplace(demo);
        client.apiUrl = client.edgeUrl = fake->url();
        client.allowPlainHttpToLoopback = true;
    }
    wix::OAuthStrategy visitor(options["--live"].empty() ? "11111111-2222-3333-4444-555555555555" : options["--live"]);
    visitor.storage = openStorage(io, options);
    wix::OAuthStrategy house = visitor;
    house.sessionKey = "house";
    const wix::Transport transport(io.get_executor(), client.transport);

    const auto port = static_cast<std::uint16_t>(numberOf(options, "--port", 65'535));
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), port));
    const std::string address = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
    Shop shop(wix::VisitorSessions(transport, visitor, client), wix::Client(transport, house, client),
              loadKeys(fs::path(options["--store"]) / "cookie.key"),
              options["--public-url"].empty() ? address : options["--public-url"], metrics);
    Server server(std::move(acceptor), shop, static_cast<std::size_t>(numberOf(options, "--connections", 100'000)),
                  seconds(numberOf(options, "--patience", 3'600)));

    asio::co_spawn(io, server.acceptAll(), wix::rethrow);
    asio::co_spawn(io, stopAtSignal(server, shop, transport), wix::rethrow);
    std::cout << "The shop is open: " << address << std::endl;
    io.run();
}

int main(int argc, char** argv) try { run(parse({argv + 1, argv + argc})); } catch (const std::exception& error) {
    std::cerr << "storefront: " << error.what() << "\n";
    return 1;
}
