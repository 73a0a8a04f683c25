// What the library and the fake open is not inherited by programs that the process starts.
#include <doctest/doctest.h>

#include <fcntl.h>

#include <charconv>
#include <filesystem>
#include <map>
#include <set>

#include "integration/failures.hpp"
#include "storage/temp_directory.hpp"
#include "support/bare_transport.hpp"
#include "support/eventually.hpp"
#include "support/scripted_server.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

/// The open descriptors, and what each is.
std::map<int, std::string> descriptors() {
    std::map<int, std::string> open;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd", ec)) {
        const std::string name = entry.path().filename().string();
        int number = -1;
        std::from_chars(name.data(), name.data() + name.size(), number);
        open.emplace(number, fs::read_symlink(entry.path(), ec).string());
    }
    return open;
}

/// Collects what was opened since it was made and programs would inherit.
class Inherited {
public:
    void look() {
        for (const auto& [number, what] : descriptors()) {
            if (before_.contains(number)) continue;
            const int flags = ::fcntl(number, F_GETFD);
            if (flags < 0) continue;  // the directory that was just read
            seen_.insert(what.substr(0, what.find(':')));
            if ((flags & FD_CLOEXEC) == 0) found_.insert(what);
        }
    }
    const std::set<std::string>& found() const { return found_; }
    /// The kinds of what was looked at.
    bool saw(const std::string& kind) const { return seen_.contains(kind); }

private:
    const std::map<int, std::string> before_ = descriptors();
    std::set<std::string> seen_;
    std::set<std::string> found_;
};

/// Runs `io`, and looks between any two handlers.
void runLooking(asio::io_context& io, Inherited& inherited) {
    io.restart();
    while (io.run_one() > 0) inherited.look();
}

}  // namespace

TEST_CASE("no descriptor of the client, its storage or the fake is inherited by another program [C7]") {
    const detail::test::TempDirectory directory;
    Inherited inherited;
    {
        testing::FakeWix fake;
        asio::io_context io;
        const Client client = clientOf(io, fake, FileTokenStorage::inDirectory(directory.path()));
        for (int i = 0; i < 3; ++i)
            asio::co_spawn(io, client.post(queryPath, object()),
                           [](std::exception_ptr error, const boost::json::value&) { CHECK_FALSE(error); });
        runLooking(io, inherited);
        CHECK(fake.state().visitors == 1);
        inherited.look();
    }
    CHECK(inherited.saw("socket"));
    CHECK(inherited.saw("anon_inode"));
    CHECK(inherited.found() == std::set<std::string>());
}

TEST_CASE("no attempt of several to connect is inherited by another program [C7]") {
    testing::FakeWixOptions plain;
    plain.tls = false;
    testing::FakeWix fake(plain);
    const asio::ip::address v4 = asio::ip::address_v4::loopback();
    const auto v6 = asio::ip::make_address("::1");
    BareTransport bare(lookupBy([&](const std::string&) {
        return NameAnswer(std::vector<detail::Endpoint>{detail::Endpoint(v6, 1), detail::Endpoint(v4, 1),
                                                        detail::Endpoint(v4, fake.port())});
    }));
    Inherited inherited;
    std::optional<result<detail::HttpReply>> ended;
    asio::co_spawn(bare.io,
                   bare.transport->send(std::make_shared<detail::WireRequest>(bare.request()), detail::WaitLimits()),
                   [&](std::exception_ptr, result<detail::HttpReply> reply) { ended.emplace(std::move(reply)); });
    runLooking(bare.io, inherited);
    REQUIRE(ended);
    CHECK(ended->has_value());
    CHECK(inherited.saw("socket"));
    CHECK(inherited.found() == std::set<std::string>());
}

TEST_CASE("a connection ends with its client, though a program that was started meanwhile still runs [C7]") {
    std::atomic<bool> ended{false};
    ScriptedServer server([&](ScriptedPeer& peer, int) {
        peer.readHead();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        peer.waitForEnd();
        ended = true;
    });
    std::FILE* child = nullptr;
    {
        BareTransport bare(detail::systemLookup);
        bare.host = "127.0.0.1";
        bare.port = server.port();
        REQUIRE(bare.get().has_value());
        child = ::popen("cat > /dev/null", "w");  // until we close its input
        REQUIRE(child);
    }
    CHECK(eventually([&] { return ended.load(); }, std::chrono::seconds(10)));
    ::pclose(child);
}
