// A download that goes to a file piece by piece, however large it is: memory holds one piece at a time.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include <fstream>
#include <iostream>
#include <stdexcept>

namespace asio = boost::asio;

class IntoFile : public wix::BodySink {
public:
    explicit IntoFile(const char* path) : file_(path, std::ios::binary) {}

    asio::awaitable<void> write(std::string bytes) override {
        file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        if (!file_) throw std::runtime_error("the disk is full");  // ends the call, and is what fetch() throws
        co_return;
    }

private:
    std::ofstream file_;
};

asio::awaitable<void> download(wix::Client client) {
    auto file = std::make_shared<IntoFile>("/dev/null");
    wix::Response response = co_await client.fetch(wix::Request("GET", "/media/v1/film"), file);
    std::cout << response.status() << ", " << response.header("content-length").value_or("?") << " bytes\n";
}

int main() {
    wix::testing::FakeWix fake;
    fake.failNext("unknown", 1, wix::testing::ScriptedReply(200, std::string(5'000'000, 'x')));
    wix::ClientOptions options;
    options.apiUrl = fake.url();
    options.transport.tls.caPem = fake.caPem();

    asio::io_context io;
    wix::Client client(io.get_executor(), wix::OAuthStrategy("11111111-2222-3333-4444-555555555555"), options);
    asio::co_spawn(io, download(client), wix::rethrow);
    io.run();
}
