#include "http/proxy_rules.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

using namespace wix;
using namespace wix::detail;

namespace {

/// `user:password@host:port`, or why not. Neither text nor code of a refusal may have the secret.
std::string parsed(const std::string& value) {
    const auto proxy = parseProxy("HTTPS_PROXY", value);
    if (proxy.has_error()) {
        const Failure& failure = proxy.error();
        CHECK(failure.code == Errc::invalid_argument);
        CHECK(failure.context.find("hunter2") == std::string::npos);
        const std::string begin = "the environment variable HTTPS_PROXY ";
        const std::string end = "; it wants http://[user:password@]host[:port]";
        CHECK(failure.context.starts_with(begin));
        CHECK(failure.context.ends_with(end));
        return "refused: " + failure.context.substr(begin.size(), failure.context.size() - begin.size() - end.size());
    }
    CHECK(!checkProxy(*proxy));
    if (proxy->host.empty()) return "none";
    return proxy->username + "|" + proxy->password + "|" + proxy->host + "|" + std::to_string(proxy->port);
}

ProxyOptions proxyBut(std::vector<std::string> noProxy) {
    ProxyOptions proxy;
    proxy.host = "proxy.example";
    proxy.noProxy = std::move(noProxy);
    return proxy;
}

bool isProxied(const std::string& host, std::vector<std::string> noProxy = {}, std::uint16_t port = 443) {
    return goesThroughProxy(proxyBut(std::move(noProxy)), Origin(true, host, port));
}

std::string flawOf(const std::string& host, const std::string& username, const std::string& password = "hunter2",
                   std::uint16_t port = 3128) {
    ProxyOptions proxy;
    proxy.host = host;
    proxy.username = username;
    proxy.password = password;
    proxy.port = port;
    const auto failure = checkProxy(proxy);
    if (!failure) return "none";
    CHECK(failure->code == Errc::invalid_argument);
    CHECK(failure->context.find("hunter2") == std::string::npos);
    return failure->context;
}

/// Sets a variable for as long as it lives.
class Environment {
public:
    Environment(const char* name, const char* value) : name_(name) {
        if (const char* before = std::getenv(name)) before_ = before;
        value ? ::setenv(name, value, 1) : ::unsetenv(name);
    }
    ~Environment() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

private:
    const char* name_;
    std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("the values that name a proxy") {
    const std::vector<std::pair<std::string, std::string>> table = {
        {"", "none"},
        {"proxy.example", "||proxy.example|3128"},
        {"proxy.example:8080", "||proxy.example|8080"},
        {"http://proxy.example", "||proxy.example|3128"},
        {"HTTP://Proxy.Example:443/", "||proxy.example|443"},
        {"http://proxy.example:", "||proxy.example|3128"},
        {"http://10.0.0.1:3128/", "||10.0.0.1|3128"},
        {"http://[::1]:8080/", "||::1|8080"},
        {"[2001:DB8::1]", "||2001:db8::1|3128"},
        {"http://user:hunter2@proxy.example:8080", "user|hunter2|proxy.example|8080"},
        {"user:hunter2@proxy.example", "user|hunter2|proxy.example|3128"},
        {"http://user@proxy.example", "user||proxy.example|3128"},
        {"http://user:@[::1]:1", "user||::1|1"},
        {"http://us%20er:p%40ss:w%25rd@proxy.example", "us er|p@ss:w%rd|proxy.example|3128"},
        {"http://user:raw@sign@proxy.example", "user|raw@sign|proxy.example|3128"},
        {"http://@proxy.example", "||proxy.example|3128"},
    };
    for (const auto& [value, is] : table) {
        CAPTURE(value);
        CHECK(parsed(value) == is);
    }
}

TEST_CASE("values that name no proxy that can be used") {
    const std::string scheme = "refused: names a proxy that does not speak plain HTTP";
    const std::string host = "refused: has a malformed host or port, or a path";
    const std::string escape = "refused: has a malformed percent-escape before the \"@\"";
    const std::vector<std::pair<std::string, std::string>> table = {
        {"https://user:hunter2@proxy.example", scheme},
        {"socks5://proxy.example:1080", scheme},
        {"socks5h://proxy.example", scheme},
        {"://proxy.example", scheme},
        {"http://", host},
        {"http:///", host},
        {"/", host},
        {"http://user:hunter2@", host},
        {"http://proxy.example:0", host},
        {"http://proxy.example:65536", host},
        {"http://proxy.example:x", host},
        {"http://proxy.example/path", host},
        {"http://proxy.example//", host},
        {"http://proxy.example?query", host},
        {"http://pro xy.example", host},
        {"proxy.example\r\nX: y", host},
        {"[::1", host},
        {"::1", host},
        {"http://u%ser:hunter2@proxy.example", escape},
        {"http://user:hunter2%4@proxy.example", escape},
        {"http://user:hunter2%@proxy.example", escape},
        {"http://us%3Aer:hunter2@proxy.example", "refused: must have a user name without a colon"},
        {"http://:hunter2@proxy.example", "refused: must have a user name with its password"},
        {"http://user:hunter2%0D%0AX@proxy.example",
         "refused: must have a user name and a password without control characters"},
        {"http://user:hunter2" + std::string(2000, 'x') + "@proxy.example",
         "refused: must have a user name and a password below 1 KiB"},
    };
    for (const auto& [value, is] : table) {
        CAPTURE(value);
        CHECK(parsed(value) == is);
    }
}

TEST_CASE("the entries of NO_PROXY") {
    using List = std::vector<std::string>;
    CHECK(parseNoProxy("").empty());
    CHECK(parseNoProxy(" , ,").empty());
    CHECK(parseNoProxy("a") == List{"a"});
    CHECK(parseNoProxy(" a.example,.b , c:80\td ") == List{"a.example", ".b", "c:80", "d"});
}

TEST_CASE("who is reached through the proxy") {
    CHECK(isProxied("www.wixapis.com"));
    CHECK(isProxied("192.0.2.1"));
    CHECK_FALSE(goesThroughProxy(ProxyOptions(), Origin(true, "www.wixapis.com", 443)));
    for (const char* loopback : {"localhost", "127.0.0.1", "127.255.0.3", "::1", "::ffff:127.0.0.1"})
        CHECK_FALSE_MESSAGE(isProxied(loopback, {"localhost"}), loopback);
    CHECK(isProxied("127.0.0.1"));
    CHECK(isProxied("www.wixapis.com", {"localhost"}));
    CHECK(isProxied("localhost.example"));

    for (const char* entry : {"wixapis.com", ".wixapis.com", "*.wixapis.com", "WixAPIs.Com", "www.wixapis.com", "com",
                              "*", "wixapis.com:443"}) {
        CAPTURE(entry);
        CHECK_FALSE(isProxied("www.wixapis.com", {entry}));
        CHECK_FALSE(isProxied("www.wixapis.com", {"first.example", entry, "last.example"}));
    }
    CHECK_FALSE(isProxied("wixapis.com", {".wixapis.com"}));
    for (const char* entry : {"apis.com", "xwww.wixapis.com", "ww.wixapis.com", "w.wixapis.com", "wixapis.co", "", ".",
                              "*.", "wixapis.com:444", "wixapis.com:x", "wixapis.com:99999", "www.wixapis.com.", "**",
                              "ww*", "https://wixapis.com"}) {
        CAPTURE(entry);
        CHECK(isProxied("www.wixapis.com", {entry}));
    }
}

TEST_CASE("addresses are compared as addresses, and are no suffixes") {
    CHECK_FALSE(isProxied("192.0.2.1", {"192.0.2.1"}));
    CHECK_FALSE(isProxied("192.0.2.1", {"192.0.2.1:443"}));
    CHECK_FALSE(isProxied("192.0.2.1", {"*"}));
    CHECK(isProxied("192.0.2.1", {"192.0.2.1:80"}));
    CHECK(isProxied("192.0.2.1", {"2.1"}));
    CHECK(isProxied("192.0.2.1", {"192.0.2.11"}));
    CHECK(isProxied("192.0.2.1", {"192.0.2.0/24"}));
    CHECK_FALSE(isProxied("2001:db8::1", {"2001:DB8:0::1"}));
    CHECK_FALSE(isProxied("2001:db8::1", {"[2001:db8::1]"}));
    CHECK_FALSE(isProxied("2001:db8::1", {"[2001:db8::1]:443"}));
    CHECK(isProxied("2001:db8::1", {"[2001:db8::1]:80"}));
    CHECK(isProxied("2001:db8::1", {"2001:db8::2", "["}));
    CHECK(isProxied("1.example", {"192.0.2.1"}));
}

TEST_CASE("the request for a tunnel") {
    ProxyOptions proxy = proxyBut({});
    CHECK(connectRequest(proxy, Origin(true, "www.wixapis.com", 443)) ==
          "CONNECT www.wixapis.com:443 HTTP/1.1\r\nHost: www.wixapis.com:443\r\n\r\n");
    CHECK(connectRequest(proxy, Origin(true, "2001:db8::1", 8443)) ==
          "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n\r\n");
    const std::vector<std::pair<std::pair<std::string, std::string>, std::string>> table = {
        {{"Aladdin", "open sesame"}, "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
        {{"us er", "p@ss:w%"}, "dXMgZXI6cEBzczp3JQ=="},
        {{"ab", ""}, "YWI6"},
    };
    for (const auto& [user, encoded] : table) {
        proxy.username = user.first;
        proxy.password = user.second;
        CHECK(connectRequest(proxy, Origin(true, "a", 1)) ==
              "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nProxy-Authorization: Basic " + encoded + "\r\n\r\n");
    }
}

TEST_CASE("options of a proxy that cannot be used are refused") {
    CHECK(flawOf("", "", "") == "none");
    for (const char* host : {"proxy.example", "PROXY", "10.0.0.1", "::1", "my_proxy"})
        CHECK_MESSAGE(flawOf(host, "user") == "none", host);
    for (const char* host : {"http://proxy", "proxy:80", "[::1]", "a b", "user@proxy", "proxy/", "a?b", "-\r\n", "a#b"})
        CHECK_MESSAGE(
            flawOf(host, "") == "ProxyOptions::host must be a host name or an address, without a scheme and a port",
            host);
    CHECK(flawOf("", "user") == "ProxyOptions::host must be set, since there is a user name or a password for it");
    CHECK(flawOf("a", "user", "", 0) == "ProxyOptions::port must be 1 to 65535");
    CHECK(flawOf("a", "us:er") == "ProxyOptions::username and password must be a user name without a colon");
    CHECK(flawOf("a", "") == "ProxyOptions::username and password must be a user name with its password");
    CHECK(flawOf("a", "user\r\nX") ==
          "ProxyOptions::username and password must be a user name and a password without control characters");
}

TEST_CASE("the environment: upper case first, and an empty variable is none") {
    const Environment none1("HTTPS_PROXY", nullptr), none2("https_proxy", nullptr), none3("NO_PROXY", nullptr),
        none4("no_proxy", nullptr), all("ALL_PROXY", "http://all.example");
    CHECK(ProxyOptions::fromEnvironment().host.empty());
    const Environment lower("https_proxy", "http://lower.example:1"), no("no_proxy", "b.example");
    CHECK(ProxyOptions::fromEnvironment().host == "lower.example");
    CHECK(ProxyOptions::fromEnvironment().noProxy == std::vector<std::string>{"b.example", "localhost"});
    {
        const Environment empty("HTTPS_PROXY", "");
        CHECK(ProxyOptions::fromEnvironment().host == "lower.example");
    }
    const Environment upper("HTTPS_PROXY", "http://user:hunter2@upper.example:2"), upperNo("NO_PROXY", "*,a");
    const ProxyOptions proxy = ProxyOptions::fromEnvironment();
    CHECK(proxy.host == "upper.example");
    CHECK(proxy.port == 2);
    CHECK(proxy.username == "user");
    CHECK(proxy.password == "hunter2");
    CHECK(proxy.noProxy == std::vector<std::string>{"*", "a"});
    const Environment wrong("HTTPS_PROXY", "https://user:hunter2@upper.example");
    std::string text;
    try {
        ProxyOptions::fromEnvironment();
    } catch (const Error& error) {
        CHECK(error.code() == Errc::invalid_argument);
        text = error.what();
    }
    CHECK(text.find("HTTPS_PROXY names a proxy") != std::string::npos);
    CHECK(text.find("hunter2") == std::string::npos);
}
