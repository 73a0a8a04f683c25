#include "http/url.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace wix;
using namespace wix::detail;
using namespace std::string_literals;

namespace {

const ApiBase api(Origin(true, "www.wixapis.com", 443), "");
const ApiBase edge(Origin(true, "edge.wixapis.com", 443), "/v1");
const std::vector<ApiBase> bases = {api, edge};

std::string base(std::string_view url, bool allowPlain = false) {
    const auto parsed = parseApiBase("apiUrl", url, allowPlain);
    if (parsed) return parsed->origin.toString() + "|" + parsed->pathPrefix;
    CHECK(parsed.error().code == Errc::invalid_argument);
    CHECK(parsed.error().context.starts_with("apiUrl "));
    CHECK(parsed.error().context.ends_with("; it wants https://host[:port][/path]"));
    CHECK(parsed.error().context.find("hunter2") == std::string::npos);
    return "refused: " + parsed.error().context;
}

std::string why(std::string_view target) {
    const auto resolved = resolveTarget(target, api, bases);
    return resolved ? "accepted" : resolved.error().context;
}

}  // namespace

TEST_CASE("an API base is an https URL without anything that does not belong there") {
    const std::vector<std::pair<std::string, std::string>> accepted = {
        {"https://www.wixapis.com", "https://www.wixapis.com|"},
        {"https://www.wixapis.com/", "https://www.wixapis.com|"},
        {"HTTPS://WWW.WixAPIs.com", "https://www.wixapis.com|"},
        {"https://www.wixapis.com:443", "https://www.wixapis.com|"},
        {"https://www.wixapis.com:", "https://www.wixapis.com|"},
        {"https://www.wixapis.com:8443/a/b", "https://www.wixapis.com:8443|/a/b"},
        {"https://host/prefix/", "https://host|/prefix"},
        {"https://host:65535", "https://host:65535|"},
        {"https://host:80", "https://host:80|"},
        {"https://my_host.internal", "https://my_host.internal|"},
        {"https://192.168.0.1", "https://192.168.0.1|"},
        {"https://1.2.3.4.example", "https://1.2.3.4.example|"},
        {"https://10.example", "https://10.example|"},
        {"https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443|"},
        {"https://[0:0:0:0:0:0:0:1]", "https://[::1]|"},
        {"https://xn--bcher-kva.example", "https://xn--bcher-kva.example|"},
    };
    for (const auto& [url, is] : accepted) {
        CAPTURE(url);
        CHECK(base(url) == is);
        CHECK(base(url, true) == is);
    }
}

TEST_CASE("an API base that is malformed is refused with a reason") {
    const std::vector<std::pair<std::string, std::string>> refused = {
        {"", "is not an absolute URL"},
        {"www.wixapis.com", "is not an absolute URL"},
        {"/path", "is not an absolute URL"},
        {"//www.wixapis.com", "is not an absolute URL"},
        {"https:", "has no host"},
        {"https:/host", "has no host"},
        {"https://", "has a malformed host"},
        {"https:///path", "has a malformed host"},
        {"https://:443", "has a malformed host"},
        {"ftp://host", "has another scheme than https"},
        {"wss://host", "has another scheme than https"},
        {"file:///etc/passwd", "has another scheme than https"},
        {"https://user:hunter2@host", "has a user name or password"},
        {"https://hunter2@host", "has a user name or password"},
        {"https://@host", "has a user name or password"},
        {"https://host?hunter2", "has a query"},
        {"https://host/?", "has a query"},
        {"https://host#hunter2", "has a fragment at offset 12"},
        {"https://host:0", "has a port that is not between 1 and 65535"},
        {"https://host:65536", "has a port that is not between 1 and 65535"},
        {"https://host:99999999999999999999", "has a port that is not between 1 and 65535"},
        {"https://host:-1", "has a port that is not between 1 and 65535"},
        {"https://host:+1", "has a port that is not between 1 and 65535"},
        {"https://host:https", "has a port that is not between 1 and 65535"},
        {"https://host:443x", "has a port that is not between 1 and 65535"},
        {"https://host:1:2", "has a malformed host"},
        {"https://::1", "has a malformed host"},
        {"https://[::1]x", "has a malformed host"},
        {"https://[::1]:x", "has a port that is not between 1 and 65535"},
        {"https://[fe80::1%25eth0]", "has a malformed host"},
        {"https://[]", "has a malformed host"},
        {"https://[127.0.0.1]", "has a malformed host"},
        {"https://host .com", "has a space at offset 12"},
        {" https://host", "has a space at offset 0"},
        {"https://host\r\n", "has a control character at offset 12"},
        {"https://host\\evil", "has a backslash at offset 12"},
        {"https://b\xC3\xBC"
         "cher.example",
         "has a character outside ASCII that is not percent-encoded at offset 9"},
        {"https://ho%73t", "has a malformed host"},
        {"https://ho%7", "has a malformed percent-escape at offset 10"},
        {"https://host.", "has a malformed host"},
        {"https://a..b", "has a malformed host"},
        {"https://.a", "has a malformed host"},
        {"https://a,b", "has a malformed host"},
        {"https://2130706433", "has a malformed host"},
        {"https://127.1", "has a malformed host"},
        {"https://0x7f.0x1", "has a malformed host"},
        {"https://1.2.3.256", "has a malformed host"},
        {"https://[::1", "has a malformed host"},
        {"https://[v1.x]", "has a malformed host"},
        {"https://host/../x", "has a dot segment in its path"},
        {"https://host/%2E%2e/x", "has a dot segment in its path"},
        {"https://host//x", "has \"//\", which would name another host, in its path"},
        {"https://host/x//", "ends with two slashes"},
        {"https://host/a|b", "has a character that has to be percent-encoded in its path"},
        {"https://" + std::string(64, 'a'), "has a malformed host"},
        {"https://" + std::string(300, 'a'), "has a malformed host"},
    };
    for (const auto& [url, said] : refused) {
        CAPTURE(url);
        CHECK(base(url) == "refused: apiUrl " + said + "; it wants https://host[:port][/path]");
    }
}

TEST_CASE("plain http is for loopback, and only if it is asked for") {
    for (std::string host : {"127.0.0.1", "127.255.0.3", "[::1]", "localhost", "LOCALHOST"}) {
        CAPTURE(host);
        const auto plain = parseApiBase("apiUrl", "http://" + host + ":8080/x", true);
        REQUIRE(plain.has_value());
        CHECK(!plain->origin.tls);
        CHECK(plain->origin.port == 8080);
        CHECK(base("http://" + host).find("allowPlainHttpToLoopback is not set") != std::string::npos);
    }
    CHECK(base("http://localhost", true) == "http://localhost|");
    for (std::string host : {"www.wixapis.com", "10.0.0.1", "0.0.0.0", "128.0.0.1", "[::2]", "[::]",
                             "localhost.evil.com", "127.0.0.1.evil.com", "[::ffff:127.0.0.1]"}) {
        CAPTURE(host);
        CHECK(base("http://" + host, true).find("127.0.0.0/8, ::1 and localhost only") != std::string::npos);
        CHECK(base("http://" + host, false).find("127.0.0.0/8, ::1 and localhost only") != std::string::npos);
    }
}

TEST_CASE("an origin writes itself") {
    CHECK(Origin(true, "host", 443).hostHeader() == "host");
    CHECK(Origin(true, "host", 80).hostHeader() == "host:80");
    CHECK(Origin(false, "host", 80).hostHeader() == "host");
    CHECK(Origin(false, "host", 443).toString() == "http://host:443");
    CHECK(Origin(true, "::1", 443).hostHeader() == "[::1]");
    CHECK(Origin(true, "::1", 1).toString() == "https://[::1]:1");
    CHECK(Origin(true, "::1", 1).isIpLiteral());
    CHECK(Origin(true, "1.2.3.4", 1).isIpLiteral());
    CHECK(!Origin(true, "1.2.3.4.com", 1).isIpLiteral());
    CHECK(!Origin(true, "host", 1).isIpLiteral());
    CHECK(Origin(true, "a", 1) == Origin(true, "a", 1));
    CHECK(Origin(true, "a", 1) != Origin(false, "a", 1));
    CHECK(Origin(true, "a", 1) != Origin(true, "a", 2));
    CHECK(Origin(true, "a", 1) != Origin(true, "b", 1));
}

TEST_CASE("targets that are legal go out as they are") {
    for (std::string target : {"/",
                               "/a",
                               "/a/b?c=d",
                               "/a/",
                               "/a//b",
                               "/?",
                               "/?a=/../b",
                               "/?a=//b",
                               "/user@host",
                               "/:80/",
                               "/a:b@c",
                               "/a%20b",
                               "/a%2Fb",
                               "/%00",
                               "/a%0d%0ab",
                               "/...",
                               "/..a",
                               "/a..",
                               "/.well-known",
                               "/a;b=c",
                               "/a?b?c",
                               "/~!$&'()*+,;=:@",
                               "/http://evil.com/",
                               "/a.b.c",
                               "/%252e%252e/",
                               "/a?%2e%2e/",
                               "/stores/v3/products/slug/mug"}) {
        CAPTURE(target);
        const auto resolved = resolveTarget(target, api, bases);
        REQUIRE(resolved.has_value());
        CHECK(resolved->origin == api.origin);
        CHECK(resolved->target == target);
        const auto prefixed = resolveTarget(target, edge, bases);
        REQUIRE(prefixed.has_value());
        CHECK(prefixed->origin == edge.origin);
        CHECK(prefixed->target == "/v1" + target);
    }
}

TEST_CASE("an absolute URL is accepted below a configured base") {
    const std::vector<std::pair<std::string, std::string>> table = {
        {"https://www.wixapis.com", "https://www.wixapis.com/"},
        {"https://www.wixapis.com/", "https://www.wixapis.com/"},
        {"https://www.wixapis.com?a=b", "https://www.wixapis.com/?a=b"},
        {"https://www.wixapis.com/x?y=z", "https://www.wixapis.com/x?y=z"},
        {"HTTPS://WWW.WIXAPIS.COM:443/X", "https://www.wixapis.com/X"},
        {"https://edge.wixapis.com/v1", "https://edge.wixapis.com/v1"},
        {"https://edge.wixapis.com/v1?a", "https://edge.wixapis.com/v1?a"},
        {"https://edge.wixapis.com/v1/x", "https://edge.wixapis.com/v1/x"},
    };
    for (const auto& [target, is] : table) {
        CAPTURE(target);
        const auto resolved = resolveTarget(target, edge, bases);
        REQUIRE(resolved.has_value());
        CHECK(resolved->origin.toString() + resolved->target == is);
    }
}

TEST_CASE("hostile targets are refused, whatever the base, and no text repeats them") {
    const std::vector<std::string> hostile = {
        // Another host.
        "//evil.com",
        "//evil.com/a",
        "///evil.com",
        "//",
        "//@evil.com",
        "/\\evil.com",
        "\\\\evil.com",
        "/a\\b",
        "https://evil.com/",
        "http://evil.com",
        "https://www.wixapis.com.evil.com/",
        "https://www.wixapis.com@evil.com/",
        "https://www.wixapis.com:hunter2@evil.com/",
        "https://evil.com#@www.wixapis.com/",
        "https://evil.com\\@www.wixapis.com",
        "https://evil.com/https://www.wixapis.com/",
        "https://www.wixapis.com:444/",
        "https://www.wixapis.com:0443x/",
        "http://www.wixapis.com/",
        "http://www.wixapis.com:443/",
        "https://wixapis.com/",
        "https://www.wixapis.com./",
        "https://user@www.wixapis.com/",
        "https://www%2ewixapis.com/",
        "https://www.wixapis.com%00.evil.com/",
        "https://www.wixapis.com%2f@evil.com/",
        "https:www.wixapis.com/",
        "https:/www.wixapis.com/",
        "https:///www.wixapis.com/",
        "ftp://www.wixapis.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:,x",
        "https://www.wixapis.com:evil/",
        "https://1.2.3.4:/",
        "www.wixapis.com/a",
        "evil.com",
        "a/b",
        "?a=b",
        "*",
        "@evil.com",
        ":80/",
        ".evil.com",
        "..",
        "./a",
        "https://[::1]/",
        "https://0x7f000001/",
        "https://www.wixapis.com//evil.com",
        "https://edge.wixapis.com/",
        "https://edge.wixapis.com/v1x",
        "https://edge.wixapis.com/v2/../v1/",
        "https://edge.wixapis.com/v1/../x",
        // Another request.
        "",
        " ",
        "/a b",
        "/a ",
        " /a",
        "/a\r\nX: y",
        "/a\n",
        "/a\r",
        "/a\tb",
        "/a\0b"s,
        "\0"s,
        "/a\x7F",
        "/\x01",
        "/\x1B[2J",
        "/a HTTP/1.1\r\nHost: evil.com\r\n\r\n",
        "/a?b=c\r\nSet-Cookie: x",
        "https://www.wixapis.com/\r\nX: y",
        "https://www.wixapis.com\r\n/",
        "/a#b",
        "/#",
        "/?a#b",
        "https://www.wixapis.com/#",
        // Another reading of the same bytes.
        "/\xC3\xA4",
        "/\x80",
        "/\xFF",
        "/a?b=\xE2\x82\xAC",
        "/%",
        "/%4",
        "/%zz",
        "/a%0",
        "/a?b=%g0",
        "/a<b>",
        "/a\"b",
        "/a{b}",
        "/a|b",
        "/a^b",
        "/a`b",
        "/a[b]",
        "/?a[b]=c",
        "/?filter={}",
        // Out of the prefix.
        "/..",
        "/.",
        "/../a",
        "/a/../b",
        "/a/..",
        "/a/.",
        "/./a",
        "/%2e%2e/a",
        "/%2E%2E",
        "/.%2e/a",
        "/%2e./a",
        "/a/%2e",
        "/..%2fa",
        "/..%5ca",
        "/a%2f..%2fb",
        "/a%2f%2e%2e",
        "/..;/a",
        "/..;x=y/a",
        "/a/..?b",
        "/a/%2e%2e?b",
    };
    CHECK(hostile.size() >= 60);
    for (const std::string& target : hostile) {
        CAPTURE(target);
        for (const ApiBase& relativeTo : bases) {
            const auto resolved = resolveTarget(target, relativeTo, bases);
            REQUIRE(!resolved.has_value());
            CHECK(resolved.error().code == Errc::invalid_target);
            CHECK(resolved.error().context.starts_with("request target: "));
            CHECK(resolved.error().context.find("evil") == std::string::npos);
            CHECK(resolved.error().context.find("hunter2") == std::string::npos);
            for (char c : resolved.error().context) CHECK((c >= ' ' && c <= '~'));
        }
    }
}

TEST_CASE("a refusal says what and where") {
    CHECK(why("") == "request target: is empty");
    CHECK(why("//evil.com") == "request target: \"//\", which would name another host, at offset 0");
    CHECK(why("/ab\r\n") == "request target: a control character at offset 3");
    CHECK(why("/?token=SECRET x") == "request target: a space at offset 14");
    CHECK(why("/\xC3\xA4") == "request target: a character outside ASCII that is not percent-encoded at offset 1");
    CHECK(why("/a\\b") == "request target: a backslash at offset 2");
    CHECK(why("/a#b") == "request target: a fragment at offset 2");
    CHECK(why("/a%4") == "request target: a malformed percent-escape at offset 2");
    CHECK(why("/a/{id}") == "request target: a character that has to be percent-encoded at offset 3");
    CHECK(why("/abc/%2e%2e/d") == "request target: a dot segment at offset 5");
    CHECK(why("a/b") == "request target: does not start with \"/\" and is not an absolute URL");
    CHECK(why("https://www.wixapis.com/a/../b") == "request target: a dot segment at offset 26");
    CHECK(why("https://evil.com/") == "request target: is an absolute URL that is not below apiUrl or edgeUrl");
    CHECK(why("https://a@www.wixapis.com/") ==
          "request target: does not start with \"/\" and has a user name or password");
}

TEST_CASE("nothing is allowed by an empty list") {
    CHECK(!resolveTarget("https://www.wixapis.com/", api, {}).has_value());
    CHECK(resolveTarget("/a", api, {}).has_value());
}
