// Row 95, seen from a client: there is no space for its session.
#include <doctest/doctest.h>

#include <sys/resource.h>

#include <csignal>

#include "storage/temp_directory.hpp"
#include "support/eventually.hpp"
#include "support/fake_client.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
using detail::test::TempDirectory;
namespace asio = boost::asio;

namespace {

/// While it lives, no file of this process gets another byte. Nothing may be checked meanwhile: the report of a failure
/// would be lost as well.
class FullDisk {
public:
    FullDisk() {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        rlimit none = before_;
        none.rlim_cur = 0;
        ::setrlimit(RLIMIT_FSIZE, &none);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

class Saves final : public Observer {
public:
    void saveFailed(const SaveFailed& event) override {
        requireNoSecret(event.failure);
        ++failed;
        code = event.failure.code;
        text = event.failure.context;
    }
    int failed = 0;
    boost::system::error_code code;
    std::string text;
};

asio::awaitable<Tokens> useIt(Client client) {
    const Tokens made = co_await client.generateVisitorTokens();
    for (int i = 0; i < 5; ++i) {
        const auto body = object("query", object("paging", object("limit", 1)));
        co_await client.post("/stores-reader/v1/products/query", body);
        co_await client.getTokens();
    }
    co_return made;
}

void checkFullDisk(bool manySessions, bool usedAgain) {
    const testing::FakeWix fake;
    const TempDirectory folder;
    const auto storage = manySessions ? FileTokenStorage::inDirectory(folder.path())
                                      : std::make_shared<FileTokenStorage>(folder / "session.json");
    asio::io_context io;
    const auto saves = std::make_shared<Saves>();
    ClientOptions options = optionsFor(fake);
    options.observer = saves;
    const Client client(io.get_executor(), strategyWith(storage), options);
    Tokens made;
    {
        const FullDisk full;
        made = runOn(io, useIt(client));
    }
    CHECK(saves->failed == 1);
    CHECK(saves->code == Errc::storage_unavailable);
    CHECK(saves->text.find(folder.path().string()) != std::string::npos);
    CHECK(runOn(io, client.getTokens()) == made);
    const auto isSaved = [&] {
        runOn(io, useIt(client));
        return runOn(io, storage->load(clientId)).has_value();
    };
    if (usedAgain) {
        CHECK(eventually(isSaved));
    } else {
        runOn(io, client.close());
    }
    const auto record = runOn(io, storage->load(clientId));
    REQUIRE(record);
    CHECK(record->tokens == made);
    CHECK(saves->failed == 1);
    CHECK(fake.state().visitors == 1);
    for (const std::string& name : folder.names()) CHECK(name.find("wix-tmp") == std::string::npos);
}

}  // namespace

TEST_CASE("a full disk: the session goes on in memory, one event tells, and its next use saves it [95]") {
    SUBCASE("one file") { checkFullDisk(false, true); }
    SUBCASE("a directory of sessions") { checkFullDisk(true, true); }
}

TEST_CASE("a full disk: at the latest the client's end saves the session [95]") {
    SUBCASE("one file") { checkFullDisk(false, false); }
    SUBCASE("a directory of sessions") { checkFullDisk(true, false); }
}
