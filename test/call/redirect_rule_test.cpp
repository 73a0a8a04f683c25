#include "call/redirect_rule.hpp"

#include "call/call_state.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wix;
using namespace wix::detail;

namespace {

const Origin home(true, "www.wixapis.com", 443);

WireRequest request(const std::string& method, const std::string& body = std::string()) {
    WireRequest made;
    made.origin = home;
    made.method = method;
    made.target = "/a/b?c=d";
    made.body = body;
    made.idempotent = method == "GET";
    made.headers = {
        {"User-Agent", "wix-cpp"}, {"accept", "application/json"}, {"ACCEPT-language", "de"}, {"X-Mine", "m"}};
    if (!body.empty()) made.headers.emplace_back("content-type", "application/json");
    return made;
}

HttpReply redirect(int status, const std::string& location) {
    return HttpReply(status, Headers{{"location", location}}, std::string());
}

/// `METHOD URL [body]`, or the reason why it is not followed.
std::string shown(const RedirectDecision& decision) {
    if (!decision.next) return std::string(decision.reason);
    const WireRequest& next = *decision.next;
    return next.method + " " + next.origin.toString() + next.target + (next.body.empty() ? "" : " " + next.body);
}

std::string names(const WireRequest& made) {
    std::string text;
    for (const Header& field : made.headers) text += field.first + " ";
    return text;
}

class NoSource final : public BodySource {
public:
    boost::asio::awaitable<std::string> read(std::size_t) override { co_return std::string(); }
};

}  // namespace

TEST_CASE("what was said of the first request is not true of where it is led") {
    const auto after = [](WireRequest made, const std::string& location) {
        made.idempotent = true;
        return followRedirect(made, redirect(307, location), 1).next->idempotent;
    };
    WireRequest query = request("POST");
    query.target = "/products/query";
    CHECK(after(query, "/other/query"));
    CHECK_FALSE(after(query, "/orders"));
    query.headers.emplace_back("Idempotency-Key", "1");
    CHECK(after(query, "/orders"));
    CHECK_FALSE(after(query, "https://elsewhere.example/orders"));  // the key stays behind
    CHECK(after(request("PUT"), "/orders"));
}

TEST_CASE("which statuses are redirects") {
    for (int status : {301, 302, 303, 307, 308}) CHECK(isRedirect(status));
    for (int status : {200, 201, 300, 304, 305, 306, 309, 400}) CHECK_FALSE(isRedirect(status));
}

TEST_CASE("what becomes of the method and of the body, by status") {
    struct Row {
        const char* method;
        const char* body;
        const char* by301;
        const char* by303;
        const char* by307;
    };
    for (const Row& row : {Row{"GET", "", "GET", "GET", "GET"}, Row{"HEAD", "", "HEAD", "HEAD", "HEAD"},
                           Row{"POST", "B", "GET", "GET", "POST B"}, Row{"POST", "", "GET", "GET", "POST"},
                           Row{"PUT", "B", "PUT B", "GET", "PUT B"}, Row{"PATCH", "B", "PATCH B", "GET", "PATCH B"},
                           Row{"DELETE", "", "DELETE", "GET", "DELETE"}}) {
        CAPTURE(row.method);
        const auto after = [&](int status) {
            RedirectDecision decision = followRedirect(request(row.method, row.body), redirect(status, "/x"), 1);
            REQUIRE(decision.next);
            CHECK(decision.next->target == "/x");
            CHECK(decision.next->origin == home);
            CHECK(decision.reason == "redirected");
            CHECK_FALSE(decision.leavesOrigin);
            CHECK(decision.keepsBody == !decision.next->body.empty());
            const bool typed = names(*decision.next).find("content-type") != std::string::npos;
            CHECK(typed == !decision.next->body.empty());
            CHECK(names(*decision.next).find("X-Mine") != std::string::npos);
            CHECK(decision.next->idempotent == isIdempotent(decision.next->method, "/x"));
            return decision.next->method + (decision.next->body.empty() ? "" : " " + decision.next->body);
        };
        CHECK(after(301) == row.by301);
        CHECK(after(302) == row.by301);
        CHECK(after(303) == row.by303);
        CHECK(after(307) == row.by307);
        CHECK(after(308) == row.by307);
    }
}

TEST_CASE("another scheme, host or port is another origin: almost everything stays behind") {
    for (const char* location : {"https://other.example/x", "//other.example/x", "https://www.wixapis.com:444/x",
                                 "https://wixapis.com/x", "https://www.wixapis.com./x"}) {
        CAPTURE(location);
        const RedirectDecision decision = followRedirect(request("GET"), redirect(302, location), 1);
        if (!decision.next) continue;  // a trailing dot is no host name here
        CHECK(decision.leavesOrigin);
        CHECK(names(*decision.next) == "User-Agent accept ACCEPT-language ");
    }
    for (const char* location :
         {"https://www.wixapis.com/x", "https://WWW.wixapis.com:443/x", "HTTPS://www.wixapis.com/x"}) {
        CAPTURE(location);
        const RedirectDecision decision = followRedirect(request("GET"), redirect(302, location), 1);
        CHECK(shown(decision) == "GET https://www.wixapis.com/x");
        CHECK_FALSE(decision.leavesOrigin);
    }
}

TEST_CASE("a body goes to no other origin; what has become a GET does") {
    const std::string refused = "a redirect with a body to another origin";
    for (int status : {307, 308})
        CHECK(shown(followRedirect(request("POST", "B"), redirect(status, "//o/x"), 1)) == refused);
    CHECK(shown(followRedirect(request("PUT", "B"), redirect(301, "//o/x"), 1)) == refused);
    CHECK(shown(followRedirect(request("POST", "B"), redirect(303, "//o/x"), 1)) == "GET https://o/x");
    CHECK(shown(followRedirect(request("POST"), redirect(307, "//o/x"), 1)) == "POST https://o/x");
    WireRequest streaming = request("PUT");
    streaming.source = std::make_shared<NoSource>();
    CHECK(shown(followRedirect(streaming, redirect(307, "//o/x"), 1)) == refused);
    CHECK(followRedirect(streaming, redirect(307, "/x"), 1).keepsBody);
    CHECK(followRedirect(streaming, redirect(307, "/x"), 1).next->source == streaming.source);
    CHECK(followRedirect(streaming, redirect(303, "/x"), 1).next->source == nullptr);
}

TEST_CASE("what is not followed is the answer") {
    CHECK(shown(followRedirect(request("GET"), redirect(302, "/x"), 0)) == "no redirects left");
    CHECK(shown(followRedirect(request("GET"), HttpReply(302, Headers(), ""), 1)) == "a redirect without one Location");
    const Headers two{{"Location", "/x"}, {"location", "/y"}};
    CHECK(shown(followRedirect(request("GET"), HttpReply(302, two, ""), 1)) == "a redirect without one Location");
    for (const char* location : {"http://www.wixapis.com/x", "http://127.0.0.1/x", "ftp://o/x", "javascript:x",
                                 "https://user:secret@o/x", "https://o:0/x", "https:///x", "/a b"}) {
        CAPTURE(location);
        CHECK(shown(followRedirect(request("GET"), redirect(302, location), 1)) ==
              "a redirect to where nothing is sent");
    }
}
