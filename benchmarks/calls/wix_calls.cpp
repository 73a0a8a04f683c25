// The SDK with its defaults: Client::get, one visitor for each io_context.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <vector>

#include <wix/wix.hpp>

#include "support/contender_loop.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace wix::bench {
namespace {

asio::awaitable<void> callInTurn(Client client, const std::string* path, Caller* caller) {
    do {
        const json::value answer = co_await client.get(*path);
        if (!answer.at("product").is_object()) throw std::runtime_error("the SDK got another answer");
    } while (caller->again());
}

class WixCalls final : public Contender {
public:
    explicit WixCalls(const ContenderArguments& arguments) : path_(arguments.path), threads_(arguments.threads) {
        ClientOptions options;
        options.apiUrl = options.edgeUrl = arguments.url;
        options.allowPlainHttpToLoopback = !arguments.tls();
        TransportOptions connections;
        connections.tls.caPem = arguments.ca();
        connections.maxConnectionsPerOrigin = arguments.connections / arguments.contexts;
        for (std::size_t i = 0; i < arguments.contexts; ++i) {
            const auto threadsOfOne = static_cast<int>(arguments.threads / arguments.contexts);
            auto& io = *contexts_.emplace_back(std::make_unique<asio::io_context>(threadsOfOne));
            clients_.emplace_back(Transport(io.get_executor(), connections),
                                  OAuthStrategy("11111111-2222-3333-4444-555555555555"), options);
        }
    }

    void make(std::vector<Caller>& callers) override {
        std::vector<std::exception_ptr> failures(callers.size());
        for (std::size_t i = 0; i < callers.size(); ++i) {
            const std::size_t which = i % contexts_.size();
            asio::co_spawn(*contexts_[which], callInTurn(clients_[which], &path_, &callers[i]),
                           [failure = &failures[i]](std::exception_ptr error) { *failure = error; });
        }
        for (const auto& io : contexts_) io->restart();
        onThreads(threads_, [this](std::size_t thread) { contexts_[thread % contexts_.size()]->run(); });
        for (const std::exception_ptr& failure : failures)
            if (failure) std::rethrow_exception(failure);
    }

private:
    std::string path_;
    std::size_t threads_;
    std::vector<std::unique_ptr<asio::io_context>> contexts_;
    std::vector<Client> clients_;
};

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) {
    using namespace wix::bench;
    return contenderMain(count, values, [](const ContenderArguments& arguments) -> std::unique_ptr<Contender> {
        return std::make_unique<WixCalls>(arguments);
    });
}
