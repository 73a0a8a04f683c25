// Idle connections hold all descriptors that the process may have: they are given up for whatever needs one. In child
// processes, whose limit is their own. Not built with sanitizers: see test/CMakeLists.txt.
#include "integration/failures.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/descriptors.hpp"
#include "storage/temp_directory.hpp"
#include "support/in_child.hpp"
#include "support/scripted_server.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// Leaves the process without a free descriptor.
class Exhausted {
public:
    Exhausted() {
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = std::min<rlim_t>(limit.rlim_cur, 200);
        ::setrlimit(RLIMIT_NOFILE, &limit);
        for (int one = 0; (one = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken_.push_back(one);
    }
    ~Exhausted() { freeAll(); }
    void freeAll() {
        for (const int one : taken_) ::close(one);
        taken_.clear();
    }

private:
    std::vector<int> taken_;
};

/// A client with idle connections, in a child of the process that has the server.
struct Busy {
    explicit Busy(const testing::FakeWix& fake)
        : options(optionsFor(fake)), transport(io.get_executor(), options.transport) {
        const Client client(transport, OAuthStrategy(clientId), options);
        runOn(io, client.generateVisitorTokens());
        for (int i = 0; i < 8; ++i) asio::co_spawn(io, client.post(queryPath, object()), asio::detached);
        io.restart();
        io.run();
    }
    asio::io_context io;
    ClientOptions options;
    Transport transport;
};

const Tokens someTokens(AccessToken("access", std::chrono::sys_seconds(std::chrono::hours(24 * 365 * 80))),
                        RefreshToken("refresh", TokenRole::visitor));

asio::awaitable<void> saveAndLease(std::shared_ptr<TokenStorage> storage) {
    co_await storage->save("a", someTokens, 0);
    const auto lease = co_await storage->acquireLease("a", 1min);
    if (!lease) throw Error(Errc::storage_unavailable, "no lease");
}

}  // namespace

TEST_CASE("idle connections are closed when a session file cannot be opened for want of descriptors [C26]") {
    const testing::FakeWix fake;
    const detail::test::TempDirectory directory;
    CHECK(inChild([&] {
              Busy busy(fake);
              if (busy.transport.openConnections() < 2) return 1;
              const auto storage = FileTokenStorage::inDirectory(directory.path());
              const Exhausted exhausted;
              if (!detail::areDescriptorsExhausted()) return 2;
              runOn(busy.io, saveAndLease(storage));
              return busy.transport.openConnections() == 0 ? 0 : 3;
          }) == 0);
}

TEST_CASE("sessions with files come while idle connections hold all descriptors: each is served [C26]") {
    const testing::FakeWix fake;
    const detail::test::TempDirectory directory;
    CHECK(inChild([&] {
              Busy busy(fake);
              const auto storage = FileTokenStorage::inDirectory(directory.path());
              const VisitorSessions sessions(busy.transport, strategyWith(storage), busy.options);
              const Exhausted exhausted;
              for (const std::string key : {"one", "two", "three"}) {
                  const Client client(
                      busy.transport,
                      [&] {
                          OAuthStrategy strategy = strategyWith(storage);
                          strategy.sessionKey = key;
                          return strategy;
                      }(),
                      busy.options);
                  runOn(busy.io, client.generateVisitorTokens());
                  if (!runOn(busy.io, storage->load(clientId + "/" + key))) return 1;
              }
              return 0;
          }) == 0);
}

TEST_CASE("idle connections to one origin are closed when there is no descriptor for a connection to another [C26]") {
    const testing::FakeWix fake;
    ScriptedServer other([](ScriptedPeer& peer, int) {
        peer.readHead();
        peer.write(answer(R"({"access_token":"a","refresh_token":"r","expires_in":14400})"));
        peer.waitForEnd();
    });
    for (const std::string host : {"127.0.0.1", "localhost"}) {
        CAPTURE(host);
        CHECK(inChild([&] {
                  Busy busy(fake);
                  ClientOptions options = busy.options;
                  options.retry.maxAttempts = 1;
                  options.apiUrl = options.edgeUrl = "http://" + host + ":" + std::to_string(other.port());
                  // A Transport of its own: idle connections of the whole process are closed.
                  const Client client(busy.io.get_executor(), OAuthStrategy(clientId), options);
                  const Exhausted exhausted;
                  runOn(busy.io, client.generateVisitorTokens());
                  return 0;
              }) == 0);
    }
}

TEST_CASE("without idle connections the error is typed, and all works again when there are descriptors [C26]") {
    const testing::FakeWix fake;
    const detail::test::TempDirectory directory;
    CHECK(inChild([&] {
              asio::io_context io;
              const auto storage = FileTokenStorage::inDirectory(directory.path());
              ClientOptions options = optionsFor(fake);
              options.retry.maxAttempts = 1;
              const Client client(io.get_executor(), OAuthStrategy(clientId), options);
              Exhausted exhausted;
              if (failureOf(io, saveAndLease(storage)).code != Errc::storage_unavailable) return 1;
              if (failureOf(io, client.generateVisitorTokens()).code != Errc::name_unavailable) return 2;
              exhausted.freeAll();
              runOn(io, saveAndLease(storage));
              return 0;
          }) == 0);
}

TEST_CASE("a call is made again when descriptors ran out and some were closed, once [C26]") {
    struct Idle final : detail::IdleDescriptors {
        std::size_t closeIdle() noexcept override {
            ++asked;
            return left > 0 ? std::exchange(left, 0) : 0;
        }
        std::size_t left = 3;
        int asked = 0;
    };
    for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
        CAPTURE(error);
        const auto idle = std::make_shared<Idle>();
        detail::registerIdleDescriptors(idle);
        int calls = 0;
        const auto failing = [&] {
            ++calls;
            errno = error;
            return -1;
        };
        CHECK(detail::withDescriptors(failing) == -1);
        CHECK(errno == error);
        CHECK(calls == 2);
        CHECK(detail::withDescriptors(failing) == -1);  // nothing is left to be closed
        CHECK(calls == 3);
        CHECK(idle->asked == 2);
    }
    int calls = 0;
    CHECK(detail::withDescriptors([&] {
              ++calls;
              errno = EACCES;
              return -1;
          }) == -1);
    CHECK(calls == 1);
}
