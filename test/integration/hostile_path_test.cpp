// Request targets that try to reach another host, another request, or what lies above a base. Each is refused before
// anything is sent, or arrives as it was written at the origin that was configured. Another host stands by: nobody calls.
#include "integration/failures.hpp"
#include "support/held.hpp"

#include <vector>

using namespace wix;
using namespace wix::test;
using namespace std::string_literals;
namespace asio = boost::asio;

namespace {

/// A target; {api} and {evil} are `localhost:PORT` of the two hosts, {EVIL} is `127.0.0.1:PORT`.
struct Row {
    Row(std::string written) : target(std::move(written)) {}
    Row(std::string written, std::string there) : target(std::move(written)), arrives(std::move(there)) {}
    std::string target;
    std::string arrives;  ///< What the configured host has to see; nothing if the target is refused.
};

/// Arrives as it is written.
Row as(const std::string& target) { return Row(target, target); }

const std::vector<Row> rows = {
    // Another host, by a form that some URL joiner takes for one.
    {"//{evil}"},
    {"//{evil}/a"},
    {"///{evil}/a"},
    {"////{evil}/a"},
    {"//{EVIL}/a"},
    {"//@{evil}/"},
    {"//user:password@{evil}/"},
    {"/\\{evil}/a"},
    {"\\/{evil}/a"},
    {"\\\\{evil}\\a"},
    {"/\t/{evil}/a"},
    {"/\n/{evil}/a"},
    {"\t//{evil}/a"},
    {" //{evil}/a"},
    {"@{evil}/a"},
    {":@{evil}/a"},
    {".{evil}/a"},
    {":80/a"},
    {"{evil}/a"},
    {"{EVIL}"},
    {"?@{evil}/"},
    {"#@{evil}/"},
    {";@{evil}/"},
    {"*"},
    // Another host, as an absolute URL.
    {"https://{evil}/a"},
    {"https://{EVIL}/a"},
    {"HTTPS://{evil}/a"},
    {"http://{evil}/a"},
    {"http://{api}/a"},
    {"https://{api}@{evil}/a"},
    {"https://{api}:x@{evil}/a"},
    {"https://{evil}#@{api}/a"},
    {"https://{evil}?@{api}/a"},
    {"https://{evil}/@{api}/a"},
    {"https://{evil}\\@{api}/a"},
    {"https://{evil}%2F@{api}/a"},
    {"https://{api}.{evil}/a"},
    {"https://{api}%00.{evil}/a"},
    {"https://{api}\0.{evil}/a"s},
    {"https://{api}%40{evil}/a"},
    {"https://{api}0/a"},
    {"https://{api}:443/a"},
    {"https://localhost/a"},
    {"https://localhost.:1/a"},
    {"https://user@{api}/a"},
    {"https://127.1/a"},
    {"https://0x7f000001/a"},
    {"https://2130706433/a"},
    {"https://[::1]/a"},
    {"https://[::ffff:127.0.0.1]/a"},
    {"https:/{evil}/a"},
    {"https:{evil}/a"},
    {"https:///{evil}/a"},
    {"https:\\\\{evil}\\a"},
    {"https//{evil}/a"},
    {"://{evil}/a"},
    {"ws://{evil}/a"},
    {"ftp://{evil}/a"},
    {"file:///etc/passwd"},
    {"javascript:alert(1)"},
    {"view-source:https://{evil}/a"},
    {"https://{api}//{evil}/a"},
    // Another request.
    {""},
    {"/a HTTP/1.1\r\nHost: {evil}\r\n\r\n"},
    {"/a\r\nHost: {evil}"},
    {"/a\rX: y"},
    {"/a\nX: y"},
    {"/a?b\r\n\r\nGET / HTTP/1.1"},
    {"https://{api}/a\r\nHost: {evil}"},
    {"https://{api}\r\nHost: {evil}/"},
    {"/a b"},
    {"/a\tb"},
    {"/a\0b"s},
    {"/a\x7F"},
    {"/a#b"},
    {"https://{api}/#@{evil}"},
    {"/\xC3\xA4"},
    {"/\xEF\xBC\x8F{evil}"},
    {"/\xE2\x81\x84{evil}"},
    {"/a%"},
    {"/a%2"},
    {"/a%zz"},
    {"/a|b"},
    {"/a{b}"},
    // Above the base.
    {"/.."},
    {"/../a"},
    {"/a/../b"},
    {"/a/..?b"},
    {"/./a"},
    {"/%2e%2e/a"},
    {"/.%2E/a"},
    {"/%2e%2e%2fa"},
    {"/..%5ca"},
    {"/..;/a"},
    {"/..;b=c/a"},
    {"/a%2f..%2fb"},
    {"https://{api}/a/../b"},
    // Odd, and harmless where they stand.
    as("/"),
    as("/@{evil}/a"),
    as("/:80/a"),
    as("/a:b@{evil}/c"),
    as("/https://{evil}/a"),
    as("/a//{evil}/b"),
    as("/%2F%2F{evil}/a"),
    as("/%5C%5C{evil}/a"),
    as("/%40{evil}/a"),
    as("/%23{evil}"),
    as("/a%0D%0AHost:%20{evil}"),
    as("/%00"),
    as("/%252e%252e/a"),
    as("/..."),
    as("/..a"),
    as("/.well-known/a"),
    as("/a;b=c"),
    as("/~!$&'()*+,;=:@"),
    as("/?next=https://{evil}/"),
    as("/?next=//{evil}/../"),
    as("/?a?b=/:@"),
    {"https://{api}", "/"},
    {"https://{api}/a", "/a"},
    {"https://{api}?a=b", "/?a=b"},
    {"HTTPS://{api}/A", "/A"},
    {"https://{api}/https://{evil}/a", "/https://{evil}/a"},
    {"https://{api}/@{evil}", "/@{evil}"},
};

std::string replaced(std::string text, std::string_view name, const std::string& value) {
    for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at + value.size()))
        text.replace(at, name.size(), value);
    return text;
}

/// Two hosts: one is configured, the other one answers too if somebody connects.
struct Hosts {
    std::string filled(const std::string& text) const {
        const std::string evilPort = std::to_string(evil.port());
        return replaced(replaced(replaced(text, "{evil}", "localhost:" + evilPort), "{EVIL}", "127.0.0.1:" + evilPort),
                        "{api}", host());
    }
    std::string host() const { return "localhost:" + std::to_string(api.port()); }
    std::uint64_t requests() const {
        std::uint64_t all = 0;
        for (const auto& [endpoint, count] : api.state().requests) all += count;
        return all;
    }
    bool evilWasCalled() {
        boost::system::error_code ec;
        evil.acceptor().non_blocking(true);
        asio::io_context io;
        asio::ip::tcp::socket socket(io);
        evil.acceptor().accept(socket, ec);
        return ec != asio::error::would_block;
    }

    const testing::FakeWix api;
    SilentListener evil;
};

}  // namespace

TEST_CASE("a hostile path goes nowhere, or to the configured host as it is") {
    CHECK(rows.size() >= 60);
    Hosts hosts;
    ClientOptions options = optionsFor(hosts.api);
    options.edgeUrl = hosts.api.url() + "/base";
    asio::io_context io;
    const Client client(io.get_executor(), OAuthStrategy(clientId), options);
    options.useCDN = true;
    const Client edge(io.get_executor(), OAuthStrategy(clientId), options);
    runOn(io, client.generateVisitorTokens());
    runOn(io, edge.generateVisitorTokens());

    for (const Row& row : rows) {
        const std::string target = hosts.filled(row.target), expected = hosts.filled(row.arrives);
        CAPTURE(target);
        const auto check = [&](const boost::system::error_code& outcome, std::uint64_t before,
                               const std::string& there) {
            CHECK(hosts.requests() == before + (row.arrives.empty() ? 0 : 1));
            CHECK(outcome == (row.arrives.empty() ? Errc::invalid_target : Errc::api_error));  // 404: no such path
            if (row.arrives.empty()) return;
            const auto received = lastRequest(hosts.api, "*");
            CHECK(received.target == there);
            CHECK(received.header("host") == hosts.host());
        };
        std::uint64_t before = hosts.requests();
        const bool sent = codeOf([&] { runOn(io, client.fetch(Request("GET", target))); }) != Errc::invalid_target;
        check(sent ? Errc::api_error : Errc::invalid_target, before, expected);
        before = hosts.requests();
        check(failureOf(io, client.del(target)).code, before, expected);
        before = hosts.requests();
        const bool relative = target.starts_with('/');
        check(failureOf(io, edge.del(target)).code, before, (relative ? "/base" : "") + expected);
    }
    CHECK_FALSE(hosts.evilWasCalled());
}

TEST_CASE("the host that stands by would have noticed") {
    Hosts hosts;
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    socket.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), hosts.evil.port()));
    CHECK(hosts.evilWasCalled());
}
