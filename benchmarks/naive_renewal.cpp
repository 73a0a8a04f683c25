#include "naive_renewal.hpp"

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <utility>
#include <vector>

namespace asio = boost::asio;

namespace wix::bench {
namespace {

class EveryCallerRenews final : public RenewalDesign {
public:
    /// A client for each caller, made in advance: they do not know of one another.
    EveryCallerRenews(const ExpiredSession& session, std::size_t callers) {
        for (std::size_t i = 0; i < callers; ++i) clients_.push_back(session.client());
    }
    asio::awaitable<Tokens> tokens() override { return clients_[next_++].renewToken(); }

private:
    std::vector<Client> clients_;
    std::size_t next_ = 0;
};

class LockAcrossExchange final : public RenewalDesign {
public:
    explicit LockAcrossExchange(const ExpiredSession& session) : shared_(std::make_shared<Shared>(session)) {}
    asio::awaitable<Tokens> tokens() override { return usable(shared_); }

private:
    using ErrorCode = boost::system::error_code;
    using Lock = asio::experimental::channel<void(ErrorCode)>;

    struct Shared {
        explicit Shared(const ExpiredSession& session)
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

    static asio::awaitable<Tokens> usable(std::shared_ptr<Shared> shared) {
        if (!shared->isExpired()) co_return shared->tokens;
        co_await shared->lock.async_send(ErrorCode(), asio::use_awaitable);
        const Unlock unlock(shared->lock);
        if (shared->isExpired()) {
            Tokens renewed = co_await shared->client.renewToken();
            shared->tokens = std::move(renewed);
        }
        co_return shared->tokens;
    }

    std::shared_ptr<Shared> shared_;
};

}  // namespace

DesignPtr everyCallerRenews(const ExpiredSession& session, std::size_t callers) {
    return std::make_unique<EveryCallerRenews>(session, callers);
}

DesignPtr lockAcrossExchange(const ExpiredSession& session) { return std::make_unique<LockAcrossExchange>(session); }

}  // namespace wix::bench
