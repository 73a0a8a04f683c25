#include "http/request_text.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wix;
using namespace wix::detail;

namespace {

WireRequest request(std::string method, std::string target, std::string body = std::string()) {
    WireRequest made;
    made.origin = Origin(true, "www.wixapis.com", 443);
    made.method = std::move(method);
    made.target = std::move(target);
    made.body = std::move(body);
    return made;
}

std::string written(const WireRequest& from) {
    std::string out = "left over from the request before";
    writeRequest(out, from);
    return out;
}

const std::string host = "Host: www.wixapis.com\r\nAccept-Encoding: gzip, deflate\r\n";

}  // namespace

TEST_CASE("a request without a body") {
    CHECK(written(request("GET", "/a/b?c=d")) == "GET /a/b?c=d HTTP/1.1\r\n" + host + "\r\n");
    CHECK(written(request("HEAD", "/")) == "HEAD / HTTP/1.1\r\n" + host + "\r\n");
    CHECK(written(request("OPTIONS", "/")) == "OPTIONS / HTTP/1.1\r\n" + host + "\r\n");
    CHECK(written(request("DELETE", "/")) == "DELETE / HTTP/1.1\r\n" + host + "\r\n");
}

TEST_CASE("a method that usually has a body says when it has none") {
    for (const std::string method : {"POST", "PUT", "PATCH"}) {
        CAPTURE(method);
        CHECK(written(request(method, "/")) == method + " / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n");
    }
}

TEST_CASE("a body has its length in bytes, whatever the method and whatever is in it") {
    for (const std::string method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
        CAPTURE(method);
        CHECK(written(request(method, "/", "{\"a\":1}")) ==
              method + " / HTTP/1.1\r\n" + host + "Content-Length: 7\r\n\r\n{\"a\":1}");
    }
    const std::string binary("\0\r\n\r\n\xFF", 6);
    CHECK(written(request("POST", "/", binary)) == "POST / HTTP/1.1\r\n" + host + "Content-Length: 6\r\n\r\n" + binary);
    const std::string big(1'234'567, 'x');
    const std::string text = written(request("PUT", "/", big));
    CHECK(text.find("Content-Length: 1234567\r\n\r\n") != std::string::npos);
    CHECK(text.ends_with(big));
}

TEST_CASE("headers follow in their order, as they are") {
    WireRequest made = request("GET", "/");
    made.headers.emplace_back("User-Agent", "wix-cpp/1");
    made.headers.emplace_back("Authorization", "OauthNG.JWS.x");
    made.headers.emplace_back("X-Empty", "");
    CHECK(written(made) ==
          "GET / HTTP/1.1\r\n" + host + "User-Agent: wix-cpp/1\r\nAuthorization: OauthNG.JWS.x\r\nX-Empty: \r\n\r\n");
}

TEST_CASE("the host has a port only if it is not the scheme's own, and brackets around IPv6") {
    struct Case {
        Origin origin;
        const char* expected;
    };
    for (const Case& c :
         {Case{Origin(true, "localhost", 8443), "localhost:8443"}, Case{Origin(true, "localhost", 443), "localhost"},
          Case{Origin(true, "localhost", 80), "localhost:80"}, Case{Origin(false, "localhost", 80), "localhost"},
          Case{Origin(false, "127.0.0.1", 8080), "127.0.0.1:8080"}, Case{Origin(true, "::1", 443), "[::1]"},
          Case{Origin(true, "::1", 8443), "[::1]:8443"}}) {
        CAPTURE(c.expected);
        WireRequest made = request("GET", "/");
        made.origin = c.origin;
        CHECK(written(made).starts_with(std::string("GET / HTTP/1.1\r\nHost: ") + c.expected + "\r\n"));
    }
}

TEST_CASE("the text for errors names the request and leaves the query out: it may hold secrets") {
    CHECK(request("GET", "/a/b?token=SECRET").describe() == "GET https://www.wixapis.com/a/b");
    CHECK(request("POST", "/a/b", "SECRET").describe() == "POST https://www.wixapis.com/a/b");
    WireRequest local = request("GET", "/?x");
    local.origin = Origin(false, "::1", 8080);
    CHECK(local.describe() == "GET http://[::1]:8080/");
}

TEST_CASE("a request for a range accepts no coding, whatever the case of its header [C10]") {
    for (const char* name : {"Range", "range", "RANGE"}) {
        WireRequest made = request("GET", "/");
        made.headers.emplace_back("If-Range", "\"x\"");
        made.headers.emplace_back(name, "bytes=0-9");
        CHECK(written(made) ==
              "GET / HTTP/1.1\r\nHost: www.wixapis.com\r\nAccept-Encoding: identity\r\nIf-Range: \"x\"\r\n" +
                  std::string(name) + ": bytes=0-9\r\n\r\n");
    }
    WireRequest made = request("GET", "/");
    made.headers.emplace_back("If-Range", "\"x\"");  // without Range it means nothing
    made.headers.emplace_back("X-Range", "bytes=0-9");
    CHECK(written(made).find("Accept-Encoding: gzip, deflate\r\n") != std::string::npos);
}

TEST_CASE("an Accept-Encoding of the caller is the only one, and its response keeps its coding [C10]") {
    WireRequest made = request("GET", "/");
    CHECK_FALSE(made.keepsCoding());
    made.headers.emplace_back("Range", "bytes=0-9");
    CHECK_FALSE(made.keepsCoding());
    made.headers.emplace_back("accept-encoding", "br");
    CHECK(made.keepsCoding());
    CHECK(written(made) ==
          "GET / HTTP/1.1\r\nHost: www.wixapis.com\r\nRange: bytes=0-9\r\naccept-encoding: br\r\n\r\n");
    made.decodesAlways = true;
    CHECK_FALSE(made.keepsCoding());
    CHECK(written(made).find("gzip") == std::string::npos);
}
