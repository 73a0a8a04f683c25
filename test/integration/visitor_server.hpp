// A server with many visitors, for the tests of VisitorSessions.
#pragma once

#include <map>

#include "integration/failures.hpp"

namespace wix::test {

namespace asio = boost::asio;

/// In memory; it counts, and its saves fail on request.
class CountingStorage final : public TokenStorage {
public:
    asio::awaitable<std::optional<StoredTokens>> load(std::string key) override {
        ++calls;
        return memory.load(std::move(key));
    }
    asio::awaitable<SaveResult> save(std::string key, Tokens tokens, std::uint64_t expectedVersion) override {
        ++calls;
        if (saveFails) throw Error(Errc::storage_unavailable, "no space left");
        return memory.save(std::move(key), std::move(tokens), expectedVersion);
    }
    asio::awaitable<void> erase(std::string key) override { return memory.erase(std::move(key)); }
    MemoryTokenStorage memory;
    int calls = 0;
    bool saveFails = false;
};

/// co_spawn wants a value that can be made of nothing, and a Client cannot.
inline asio::awaitable<void> openInto(std::optional<Client>* opened, VisitorSessions sessions, std::string key) {
    Client client = co_await sessions.open(std::move(key));
    opened->emplace(std::move(client));
}

/// A server with so many places.
struct Server {
    explicit Server(std::size_t places = 100'000, std::chrono::milliseconds idle = std::chrono::seconds(900)) {
        limits.maxSessions = places;
        limits.maxIdleTime = idle;
        sessions.emplace(transport, strategyWith(storage), optionsFor(fake), limits);
    }
    Client open(const std::string& key) {
        std::optional<Client> opened;
        runOn(io, openInto(&opened, *sessions, key));
        return *opened;
    }
    Failure openFails(const std::string& key) {
        std::optional<Client> opened;
        return failureOf(io, openInto(&opened, *sessions, key));
    }
    /// The visitor's cart gets one product.
    void add(const std::string& key) {
        const Client client = open(key);
        if (product.empty()) {
            const auto found = runOn(io, client.post(queryPath, object()));
            product = std::string(found.at("products").at(0).at("id").as_string());
        }
        runOn(io, client.post(addPath, oneOf(product)));
    }
    /// How many things are in the visitor's cart; -1: there is none.
    std::int64_t items(const std::string& key) {
        const Response answer = runOn(io, open(key).fetch(Request("GET", cartPath)));
        if (answer.status() == 404) return -1;
        return answer.json().at("cart").at("lineItems").at(0).at("quantity").as_int64();
    }
    VisitorSessionsStatistics counts() const { return sessions->statistics(); }

    testing::FakeWix fake;
    asio::io_context io;
    std::shared_ptr<CountingStorage> storage = std::make_shared<CountingStorage>();
    TransportOptions transportOptions = optionsFor(fake).transport;
    Transport transport{io.get_executor(), transportOptions};
    VisitorSessionsOptions limits;
    std::optional<VisitorSessions> sessions;
    std::string product;
};

}  // namespace wix::test
