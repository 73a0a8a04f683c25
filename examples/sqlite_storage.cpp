// A session that is stored in SQLite and survives the program: each run of this one is the same visitor.
#include "sqlite_storage.hpp"

#include <wix/run.hpp>
#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <iostream>

namespace asio = boost::asio;

namespace {

/// As a program would that is started anew: nothing is kept in memory between two calls.
void visit(const wix::testing::FakeWix& fake, const std::string& database) {
    wix::ClientOptions options;
    options.apiUrl = fake.url();
    options.transport.tls.caPem = fake.caPem();
    wix::OAuthStrategy auth{"11111111-2222-3333-4444-555555555555"};
    auth.storage = std::make_shared<SqliteTokenStorage>(database);

    asio::io_context io;
    const wix::Client client(io.get_executor(), auth, options);
    wix::run(io, client.generateVisitorTokens());
    wix::run(io, client.renewToken());
    wix::run(io, client.close());
}

}  // namespace

int main() {
    const wix::testing::FakeWix fake;  // a Wix on loopback
    std::string directory = (std::filesystem::temp_directory_path() / "wix-sqlite-XXXXXX").string();
    if (!::mkdtemp(directory.data())) return 1;
    const std::string database = directory + "/sessions.db";

    visit(fake, database);
    visit(fake, database);
    std::cout << "visitors: " << fake.state().visitors << "\n";

    asio::io_context io;
    SqliteTokenStorage storage(database);
    const std::string key = "example";
    wix::run(io, storage.save(key, wix::Tokens(wix::AccessToken("a", {}), {}), 0));
    const wix::SaveResult outdated = wix::run(io, storage.save(key, wix::Tokens(), 0));
    std::cout << "an outdated version is saved: " << std::boolalpha << outdated.isSaved() << "\n";
    {
        const auto lease = wix::run(io, storage.acquireLease(key, std::chrono::minutes(1)));
        const auto another = wix::run(io, storage.acquireLease(key, std::chrono::seconds(1)));
        std::cout << "two leases at once: " << (lease && another) << "\n";
    }
    io.restart();
    io.run();  // the lease is released on a blocking thread
    std::cout << "a lease again: " << wix::run(io, storage.acquireLease(key, std::chrono::seconds(1))).has_value()
              << "\n";
    io.restart();
    io.run();
    std::filesystem::remove_all(directory);
}
