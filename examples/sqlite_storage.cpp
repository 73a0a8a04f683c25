// A session that is stored in SQLite and survives the program: each run of this one is the same visitor.
#include "sqlite_storage.hpp"

#include <wix/run.hpp>
#include <wix/testing/fake_wix.hpp>
#include <wix/testing/storage_conformance.hpp>
#include <wix/wix.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

    // Checks the storage against the contract of TokenStorage, as a test of yours should.
    asio::io_context io;
    wix::testing::StorageConformanceOptions options;
    options.other = std::make_shared<SqliteTokenStorage>(database);
    auto check = wix::testing::checkTokenStorage(std::make_shared<SqliteTokenStorage>(database), options);
    const std::vector<std::string> violations = wix::run(io, std::move(check));
    for (const std::string& violation : violations) std::cout << violation << "\n";
    std::cout << "violations: " << violations.size() << "\n";

    io.restart();
    io.run();  // the last lease is released on a blocking thread
    std::filesystem::remove_all(directory);
}
