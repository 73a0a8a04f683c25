// A shop that embeds the SDK: an asynchronous server, a session for each visitor, pages without JavaScript.
//
//     storefront [--port N] [--store DIR] [--live CLIENT_ID | --api-url URL --ca-file FILE] ...
//
// It serves plain HTTP on 127.0.0.1. In production a front (nginx, a load balancer) ends TLS, passes the Host header on,
// and keeps /metrics to itself; then say --public-url https://..., and the cookie is for https only.
#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>
#ifdef STOREFRONT_REDIS
#include <wix/redis.hpp>
#endif

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <charconv>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>

#include "shop.hpp"

namespace storefront {

constexpr std::string_view usage = R"(usage: storefront [OPTIONS]
  --port N                of 127.0.0.1; 0, the default, takes a free one
  --fake                  a Wix within this program: the default
  --live CLIENT_ID        a real site: the client id of its Headless settings
  --api-url URL           a fake Wix elsewhere; with --ca-file FILE for its certificate
  --store DIR             where sessions sleep, and the key of cookies is (default: storefront-data)
  --redis URL             sessions sleep in Redis instead
  --cookie-key-file FILE  lines of an id and 64 hexadecimal digits, the newest first; made if there is none
  --public-url URL        what browsers call this shop (default: http://127.0.0.1:PORT)
  --connections N         of browsers at a time; more wait (default: 1000)
  --patience SECONDS      so long a browser may take for a request (default: 15)
)";

struct Options {
    Options() = default;
    Limits limits;
    std::string live, apiUrl, caFile, redis, publicUrl;
    std::filesystem::path store, keyFile;
};

int numberFrom(const std::string& text, int most) {
    int value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > most)
        throw std::invalid_argument("not a number up to " + std::to_string(most) + ": " + text);
    return value;
}

Options parse(const std::vector<std::string>& arguments) {
    std::map<std::string, std::string> flags{{"--port", "0"},
                                             {"--connections", "1000"},
                                             {"--live", ""},
                                             {"--api-url", ""},
                                             {"--ca-file", ""},
                                             {"--redis", ""},
                                             {"--store", "storefront-data"},
                                             {"--patience", "15"},
                                             {"--cookie-key-file", ""},
                                             {"--public-url", ""}};
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--fake") continue;
        if (i + 1 == arguments.size() || !flags.contains(arguments[i]))
            throw std::invalid_argument(arguments[i] + " is unknown, or needs a value");
        flags[arguments[i]] = arguments[i + 1];
        ++i;
    }
    Options options;
    options.limits.port = static_cast<std::uint16_t>(numberFrom(flags["--port"], 65'535));
    options.limits.connections = static_cast<std::size_t>(numberFrom(flags["--connections"], 100'000));
    options.limits.patience = std::chrono::seconds(numberFrom(flags["--patience"], 3'600));
    options.live = flags["--live"];
    options.apiUrl = flags["--api-url"];
    options.caFile = flags["--ca-file"];
    options.redis = flags["--redis"];
    options.publicUrl = flags["--public-url"];
    options.store = flags["--store"];
    options.keyFile = flags["--cookie-key-file"];
    if (options.keyFile.empty()) options.keyFile = options.store / "cookie.key";
    return options;
}

/// A directory that only its owner enters.
std::filesystem::path ownDirectory(const std::filesystem::path& path) {
    if (std::filesystem::create_directories(path))
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
}

std::shared_ptr<wix::TokenStorage> openStorage(asio::io_context& io, const Options& options) {
    if (options.redis.empty()) return wix::FileTokenStorage::inDirectory(ownDirectory(options.store / "sessions"));
#ifdef STOREFRONT_REDIS
    auto redis = std::make_shared<wix::RedisTokenStorage>(io.get_executor(), options.redis);
    asio::co_spawn(io, redis->connect(), wix::rethrow);  // a wrong host or password is told now
    io.run();
    io.restart();
    return redis;
#else
    (void)io;
    throw std::invalid_argument("--redis: this shop was built without wix::redis");
#endif
}

asio::awaitable<void> serveUntilSignal(Server& server, Shop& shop, wix::Transport transport) {
    asio::signal_set signals(co_await asio::this_coro::executor, SIGTERM, SIGINT);
    server.start();
    co_await signals.async_wait(asio::use_awaitable);
    signals.clear();  // a second one ends the program at once
    log("stopping");
    co_await server.drain(std::chrono::seconds(10));
    co_await shop.close();
    co_await transport.close();
    log("stopped");
}

int run(const Options& options) {
    asio::io_context io(1);
    std::optional<wix::testing::FakeWix> fake;
    wix::ClientOptions client;
    client.apiUrl = options.apiUrl;
    client.transport.tls.caFile = options.caFile;
    if (!options.live.empty()) client.apiUrl = wix::ClientOptions().apiUrl;
    if (client.apiUrl.empty()) {
        fake.emplace();
        client.apiUrl = fake->url();
        client.transport.tls.caPem = fake->caPem();
    }
    client.timeouts.call = std::chrono::seconds(8);  // longer than that no visitor waits for a page
    const auto metrics = std::make_shared<Metrics>();
    client.observer = metrics;

    ownDirectory(options.store);
    wix::OAuthStrategy visitor(options.live.empty() ? "11111111-2222-3333-4444-555555555555" : options.live);
    visitor.storage = openStorage(io, options);
    wix::OAuthStrategy house = visitor;
    house.sessionKey = "house";
    const wix::Transport transport(io.get_executor(), client.transport);

    // The server asks the shop, and the shop reports the server's state: one of them has to be filled in later.
    std::unique_ptr<Shop> shop;
    std::unique_ptr<Server> server;
    server = std::make_unique<Server>(
        io,
        [&](Request request) { return shop->handle(std::move(request), server->draining(), server->connections()); },
        options.limits);
    const std::string address = "http://127.0.0.1:" + std::to_string(server->port());
    const std::string publicUrl = options.publicUrl.empty() ? address : options.publicUrl;
    shop =
        std::make_unique<Shop>(wix::VisitorSessions(transport, visitor, client), wix::Client(transport, house, client),
                               Door(loadKeys(options.keyFile), publicUrl.starts_with("https://")), metrics, publicUrl);

    asio::co_spawn(io, serveUntilSignal(*server, *shop, transport), wix::rethrow);
    std::cout << "The shop is open: " << address << std::endl;
    io.run();
    return 0;
}

}  // namespace storefront

int main(int argc, char** argv) {
    try {
        if (argc == 2 && std::string_view(argv[1]) == "--help") {
            std::cout << storefront::usage;
            return 0;
        }
        return storefront::run(storefront::parse({argv + 1, argv + argc}));
    } catch (const std::invalid_argument& error) {
        std::cerr << "storefront: " << error.what() << "\n" << storefront::usage;
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "storefront: " << error.what() << "\n";
        return 1;
    }
}
