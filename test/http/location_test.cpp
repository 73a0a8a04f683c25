// Where a Location leads (RFC 3986 5.4, less what is not sent).
#include <doctest/doctest.h>

#include <string>

#include "http/url.hpp"

using namespace wix::detail;

namespace {

const Origin https(true, "a", 443);
const Origin plain(false, "127.0.0.1", 8080);

std::string from(const Origin& origin, const char* target, std::string_view location) {
    const auto resolved = resolveLocation(location, origin, target);
    return resolved ? resolved->origin.toString() + resolved->target : "-";
}

std::string resolved(std::string_view location) { return from(https, "/b/c/d;p?q", location); }

}  // namespace

TEST_CASE("a Location relative to the request") {
    for (const auto& [location, expected] : {std::pair("g", "https://a/b/c/g"),
                                             std::pair("./g", "https://a/b/c/g"),
                                             std::pair("g/", "https://a/b/c/g/"),
                                             std::pair("/g", "https://a/g"),
                                             std::pair("//g", "https://g/"),
                                             std::pair("//g/h", "https://g/h"),
                                             std::pair("?y", "https://a/b/c/d;p?y"),
                                             std::pair("g?y", "https://a/b/c/g?y"),
                                             std::pair("#s", "https://a/b/c/d;p?q"),
                                             std::pair("", "https://a/b/c/d;p?q"),
                                             std::pair("g#s", "https://a/b/c/g"),
                                             std::pair("g?y#s", "https://a/b/c/g?y"),
                                             std::pair(";x", "https://a/b/c/;x"),
                                             std::pair("g;x", "https://a/b/c/g;x"),
                                             std::pair(".", "https://a/b/c/"),
                                             std::pair("./", "https://a/b/c/"),
                                             std::pair("..", "https://a/b/"),
                                             std::pair("../", "https://a/b/"),
                                             std::pair("../g", "https://a/b/g"),
                                             std::pair("../..", "https://a/"),
                                             std::pair("../../g", "https://a/g"),
                                             std::pair("../../../g", "https://a/g"),
                                             std::pair("/./g", "https://a/g"),
                                             std::pair("/../g", "https://a/g"),
                                             std::pair("g.", "https://a/b/c/g."),
                                             std::pair("..g", "https://a/b/c/..g"),
                                             std::pair("./../g", "https://a/b/g"),
                                             std::pair("g/./h", "https://a/b/c/g/h"),
                                             std::pair("g/../h", "https://a/b/c/h"),
                                             std::pair("g?y/../x", "https://a/b/c/g?y/../x"),
                                             std::pair("g?u=http://x", "https://a/b/c/g?u=http://x"),
                                             std::pair("/x//y", "https://a/x//y")}) {
        CAPTURE(location);
        CHECK(resolved(location) == expected);
    }
    CHECK(from(https, "/", "x") == "https://a/x");
    CHECK(from(https, "/?a/b", "x") == "https://a/x");
}

TEST_CASE("a Location that is a URL") {
    CHECK(resolved("https://b.example") == "https://b.example/");
    CHECK(resolved("https://b.example?x") == "https://b.example/?x");
    CHECK(resolved("HTTPS://B.example:8443/x/../y#f") == "https://b.example:8443/y");
    CHECK(resolved("https://[::1]:8443/x") == "https://[::1]:8443/x");
}

TEST_CASE("plain http is left only for plain http on loopback") {
    for (const char* location : {"http://a/x", "http://127.0.0.1/x", "http://localhost/x"}) {
        CAPTURE(location);
        CHECK(resolved(location) == "-");
    }
    CHECK(from(plain, "/x", "http://127.0.0.1:9090/y") == "http://127.0.0.1:9090/y");
    CHECK(from(plain, "/x", "http://localhost/y") == "http://localhost/y");
    CHECK(from(plain, "/x", "//127.0.0.2/y") == "http://127.0.0.2/y");
    CHECK(from(plain, "/x", "https://a.example/y") == "https://a.example/y");
    for (const char* location : {"http://a.example/y", "//a.example/y", "http://127.0.0.1.example/y"}) {
        CAPTURE(location);
        CHECK(from(plain, "/x", location) == "-");
    }
}

TEST_CASE("a Location that leads nowhere") {
    for (const std::string& location : {std::string("ftp://b/x"),
                                        std::string("javascript:alert(1)"),
                                        std::string("file:///etc/passwd"),
                                        std::string("https:x"),
                                        std::string("https:/x"),
                                        std::string("https://"),
                                        std::string("https:///x"),
                                        std::string("https://user@b/x"),
                                        std::string("https://user:pass@b/x"),
                                        std::string("//user@b/x"),
                                        std::string("https://b:0/x"),
                                        std::string("https://b:65536/x"),
                                        std::string("https://b:x/x"),
                                        std::string("https://127.1/x"),
                                        std::string("https://0x7f000001/x"),
                                        std::string("https://b\\x"),
                                        std::string("\\\\b/x"),
                                        std::string("/\\b"),
                                        std::string("/a b"),
                                        std::string("/a\tb"),
                                        std::string("/a\r\nX: y"),
                                        std::string("/a\0b", 4),
                                        std::string("/\xC3\xA4"),
                                        std::string("/%"),
                                        std::string("/%zz"),
                                        std::string("/%2e%2e/b"),
                                        std::string("/..;/b"),
                                        std::string("/x/..//evil"),
                                        std::string("/.//evil"),
                                        std::string(":x"),
                                        std::string("1:x"),
                                        std::string("a:b"),
                                        std::string("/<x>"),
                                        std::string("/a|b")}) {
        CAPTURE(location);
        CHECK(resolved(location) == "-");
    }
}
