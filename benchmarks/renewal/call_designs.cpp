#include "renewal/call_designs.hpp"

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
namespace json = boost::json;

namespace wix::bench {
namespace {

const std::string productPath = "/stores-reader/v1/products/a0000000-0000-4000-8000-000000000002";

class OneClient final : public CallDesign {
public:
    explicit OneClient(Client client) : client_(std::move(client)) {}
    asio::awaitable<Tokens> tokens() override { return client_.generateVisitorTokens(); }
    asio::awaitable<void> call() override { return callProduct(client_); }

private:
    Client client_;
};

class EveryCallerRenews final : public CallDesign {
public:
    /// A client for each caller, made in advance.
    EveryCallerRenews(const SharedSession& session, std::size_t callers) {
        for (std::size_t i = 0; i < callers; ++i) clients_.push_back(session.client());
    }
    asio::awaitable<Tokens> tokens() override { return clients_[next_++].generateVisitorTokens(); }
    asio::awaitable<void> call() override { return callProduct(clients_[next_++]); }

private:
    std::vector<Client> clients_;
    std::size_t next_ = 0;
};

class LockAcrossExchange final : public CallDesign {
public:
    explicit LockAcrossExchange(const SharedSession& session) : shared_(std::make_shared<Shared>(session)) {}
    asio::awaitable<Tokens> tokens() override { return validTokens(shared_); }
    asio::awaitable<void> call() override { return renewAndCall(shared_); }

private:
    using ErrorCode = boost::system::error_code;
    using Lock = asio::experimental::channel<void(ErrorCode)>;

    struct Shared {
        explicit Shared(const SharedSession& session)
            : client(session.client()), tokens(session.tokens), lock(session.transport.executor(), 1) {}
        bool isExpired() const { return tokens.accessToken.expiresAt <= std::chrono::system_clock::now(); }
        Client client;
        Tokens tokens;
        Lock lock;
    };

    class Unlock {
    public:
        explicit Unlock(Lock& lock) : lock_(lock) {}
        ~Unlock() {
            lock_.try_receive([](ErrorCode) {});
        }
        Unlock(const Unlock&) = delete;
        Unlock& operator=(const Unlock&) = delete;

    private:
        Lock& lock_;
    };

    static asio::awaitable<Tokens> validTokens(std::shared_ptr<Shared> shared) {
        if (shared->isExpired()) {
            co_await shared->lock.async_send(ErrorCode(), asio::use_awaitable);
            const Unlock unlock(shared->lock);
            if (shared->isExpired()) shared->tokens = co_await shared->client.renewToken();
        }
        co_return shared->tokens;
    }
    static asio::awaitable<void> renewAndCall(std::shared_ptr<Shared> shared) {
        if (shared->isExpired()) co_await validTokens(shared);
        co_await callProduct(shared->client);
    }

    std::shared_ptr<Shared> shared_;
};

}  // namespace

Client SharedSession::client() const {
    OAuthStrategy strategy("11111111-2222-3333-4444-555555555555");
    strategy.tokens = tokens;
    return Client(transport, std::move(strategy), options);
}

DesignPtr makeDesign(std::string_view name, const SharedSession& session, std::size_t callers) {
    if (name == "client") return std::make_unique<OneClient>(session.client());
    if (name == "every") return std::make_unique<EveryCallerRenews>(session, callers);
    if (name == "lock") return std::make_unique<LockAcrossExchange>(session);
    throw std::invalid_argument("there is no design " + std::string(name));
}

asio::awaitable<void> callProduct(Client client) {
    const json::value answer = co_await client.get(productPath);
    if (!answer.as_object().contains("product")) throw std::runtime_error("a call got another answer");
}

}  // namespace wix::bench
