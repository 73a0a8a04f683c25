// What a server reports of its visitors' tokens: an observer, and a hundred callers that share one renewal.
#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <iostream>

namespace asio = boost::asio;

class Watcher : public wix::Observer {
public:
    void renewalFinished(const wix::RenewalFinished& event) override {
        std::cout << "renewed (" << wix::reasonName(event.reason) << "): " << event.waiters << " waited\n";
    }
    void renewalFailed(const wix::RenewalFailed& event) override {
        std::cout << "not renewed: " << event.failure.code.message() << "\n";
    }
    void sessionLost(const wix::SessionLost&) override { std::cout << "a visitor has lost the cart\n"; }
    void saveFailed(const wix::SaveFailed&) override { std::cout << "a session could not be saved\n"; }
};

int main() {
    wix::testing::FakeWix fake;
    asio::io_context io;
    asio::thread_pool logging(1);

    wix::ClientOptions options;
    options.apiUrl = fake.url();
    options.transport.tls.caPem = fake.caPem();
    options.observer = wix::queued(std::make_shared<Watcher>(), logging.get_executor());

    wix::Client client{io.get_executor(), wix::OAuthStrategy{"11111111-2222-3333-4444-555555555555"}, options};
    for (int i = 0; i < 100; ++i) asio::co_spawn(io, client.generateVisitorTokens(), wix::rethrow);
    io.run();
    for (int i = 0; i < 100; ++i) asio::co_spawn(io, client.renewToken(), wix::rethrow);
    io.restart();
    io.run();
    logging.join();
}
