// Row 83: redirects, to where they should not lead.
#include "integration/failures.hpp"
#include "support/request_log.hpp"

#include <vector>

using namespace wix;
using namespace wix::test;
using testing::ReceivedRequest;
namespace asio = boost::asio;

namespace {

std::string redirectTo(const std::string& location, int status = 302) {
    return answer("", "Location: " + location + "\r\n", status);
}

/// The API, and another server that the same client would trust.
struct TwoOrigins {
    TwoOrigins() : visitor(api, options()) {
        // A value of the API's own, which the other server must not see.
        api.answerRaw("unknown", answer("{}", "X-Wix-Consistent: OURS\r\n"), false);
        CHECK(fetch(Request("GET", "/first"), 0).status() == 200);
        log->take();
        seenBefore = api.requests("unknown").size();
    }
    ClientOptions options() const {
        ClientOptions made = optionsFor(api);
        made.transport.tls.caPem += other.caPem();
        made.headers.emplace_back("X-Client", "SECRET");
        made.observer = log;
        return made;
    }
    Response fetch(Request request, int maxRedirects) {
        CallOptions call = request.options();
        call.maxRedirects = maxRedirects;
        return runOn(visitor.io, visitor.client.fetch(request.options(std::move(call))));
    }
    Response get(int maxRedirects) {
        return fetch(Request("GET", "/start?q=SECRET").header("X-Mine", "SECRET").header("Accept-Language", "de"),
                     maxRedirects);
    }
    /// Requests to the API since the first one.
    std::vector<ReceivedRequest> atApi() const {
        auto all = api.requests("unknown");
        all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(seenBefore));
        return all;
    }
    std::vector<ReceivedRequest> atOther() const { return other.requests("*"); }

    testing::FakeWix api, other;
    std::shared_ptr<RequestLog> log = std::make_shared<RequestLog>();
    Visitor visitor;
    std::size_t seenBefore = 0;
};

/// Nothing in it was meant for somebody else.
void checkBare(const ReceivedRequest& request) {
    for (const auto& [name, value] : request.headers) {
        CAPTURE(name);
        CHECK_FALSE(has(value, "SECRET"));
        CHECK_FALSE(has(value, "OURS"));
        const bool known = name == "Host" || name == "Accept-Encoding" || name == "User-Agent" || name == "Accept" ||
                           name == "Accept-Language";
        CHECK(known);
    }
    CHECK(request.header("Authorization").empty());
    CHECK(request.header("X-Wix-Consistent").empty());
    CHECK(request.body.empty());
}

}  // namespace

TEST_CASE("a redirect is an answer like any other, unless the caller wants it followed [83]") {
    TwoOrigins at;
    at.api.answerRaw("unknown", redirectTo(at.other.url() + "/x"), false);
    const Response response = at.get(0);
    CHECK(response.status() == 302);
    CHECK(response.header("location") == at.other.url() + "/x");
    CHECK(at.atOther().empty());
    CHECK(at.log->take() == std::vector<std::string>{"finished(302)"});
    at.visitor.checkUntouched();
}

TEST_CASE("within the origin a redirect is followed with everything, to another one with nothing [83]") {
    TwoOrigins at;
    at.api.answerRaw("unknown", redirectTo("next?a=b#c"), false);
    at.api.answerRaw("unknown", redirectTo(at.other.url() + "/there"), false);
    at.other.answerRaw("unknown", answer("theirs", "X-Wix-Consistent: THEIRS\r\n"), false);
    CHECK(at.get(5).body() == "theirs");
    const auto ours = at.atApi();
    REQUIRE(ours.size() == 2);
    CHECK(ours[1].target == "/next?a=b");
    for (const ReceivedRequest& request : ours) {
        CHECK_FALSE(request.header("Authorization").empty());
        CHECK(request.header("X-Wix-Consistent") == "OURS");
        CHECK(request.header("X-Mine") == "SECRET");
        CHECK(request.header("X-Client") == "SECRET");
    }
    const auto theirs = at.atOther();
    REQUIRE(theirs.size() == 1);
    CHECK(theirs[0].target == "/there");
    checkBare(theirs[0]);
    CHECK(theirs[0].header("Accept-Language") == "de");
    CHECK(has(theirs[0].header("User-Agent"), "wix-cpp"));
    CHECK(at.log->last().request == "GET " + at.other.url() + "/there");
    CHECK(at.log->last().attempts == 3);
    CHECK(at.log->take() == std::vector<std::string>{"finished(200)"});

    at.api.answerRaw("unknown", answer("{}"), false);
    at.get(0);
    CHECK(at.atApi().back().header("X-Wix-Consistent") == "OURS");  // theirs was not learned
    at.visitor.checkUntouched();
}

TEST_CASE("back at the API from elsewhere: still without authorization, for good [83]") {
    TwoOrigins at;
    at.api.answerRaw("unknown", redirectTo(at.other.url() + "/there"), false);
    at.other.answerRaw("unknown", redirectTo(at.api.url() + "/back"), false);
    at.api.answerRaw("unknown", redirectTo("/again"), false);
    at.api.answerRaw("unknown", answer("unauthorized", "", 401), false);
    CHECK(at.get(5).status() == 401);
    const auto ours = at.atApi();
    REQUIRE(ours.size() == 3);
    checkBare(ours[1]);
    checkBare(ours[2]);
    CHECK(at.log->take() == std::vector<std::string>{"finished(401)"});
    at.visitor.checkUntouched();  // nobody has renewed
}

TEST_CASE("a 401 from elsewhere never renews, a 503 from there is retried there [83]") {
    TwoOrigins at;
    at.api.answerRaw("unknown", redirectTo(at.other.url() + "/there"), false);
    at.other.answerRaw("unknown", answer("", "", 503), false);
    at.other.answerRaw("unknown", answer(R"({"details":{"applicationError":{"code":"WDE0117"}}})", "", 401), false);
    CHECK(at.get(1).status() == 401);
    CHECK(at.atApi().size() == 1);
    CHECK(at.atOther().size() == 2);
    for (const ReceivedRequest& request : at.atOther()) checkBare(request);
    CHECK(at.log->take() == std::vector<std::string>{"retried(503)", "finished(401)"});
    at.visitor.checkUntouched();
}

TEST_CASE("a body goes to no other origin [83]") {
    TwoOrigins at;
    for (int status : {307, 308}) {
        at.api.answerRaw("unknown", redirectTo(at.other.url() + "/x", status), false);
        CHECK(at.fetch(Request("POST", "/start").body("SECRET", "text/plain"), 5).status() == status);
        CHECK(at.log->reasons() == std::vector<std::string>{"a redirect with a body to another origin"});
        at.log->take();
    }
    CHECK(at.atOther().empty());
    // Within the origin it does, and a 303 leaves it behind.
    at.api.answerRaw("unknown", redirectTo("/second", 308), false);
    at.api.answerRaw("unknown", redirectTo(at.other.url() + "/third", 303), false);
    at.other.answerRaw("unknown", answer("done"), false);
    CHECK(at.fetch(Request("POST", "/start").body("SECRET", "text/plain"), 5).body() == "done");
    CHECK(at.atApi().back().method == "POST");
    CHECK(at.atApi().back().body == "SECRET");
    REQUIRE(at.atOther().size() == 1);
    CHECK(at.atOther()[0].method == "GET");
    checkBare(at.atOther()[0]);
    at.visitor.checkUntouched();
}

TEST_CASE("a loop ends after as many redirects as were allowed, with the last of them [83]") {
    TwoOrigins at;
    for (int i = 0; i < 4; ++i) at.api.answerRaw("unknown", redirectTo("/start"), false);
    CHECK(at.get(3).status() == 302);
    CHECK(at.atApi().size() == 4);
    CHECK(at.log->reasons() == std::vector<std::string>{"no redirects left"});
    CHECK(at.log->last().attempts == 4);
    at.visitor.checkUntouched();
}

TEST_CASE("a Location that is malformed, of another scheme or with a password is not followed [83]") {
    TwoOrigins at;
    testing::FakeWixOptions plainOptions;
    plainOptions.tls = false;
    const testing::FakeWix plain(plainOptions);
    const std::string host = at.other.url().substr(8);
    for (const std::string& location :
         {plain.url() + "/x", "ftp://" + host, "https://user:pass@" + host, "https://user@" + host, "https:" + host,
          std::string("https://"), std::string("https://a b/"), std::string("//"), "\\\\" + host, "/x/..//" + host,
          std::string("/%2e%2e/x"), std::string("/%zz"), std::string("javascript:alert(1)")}) {
        CAPTURE(location);
        at.api.answerRaw("unknown", redirectTo(location), false);
        CHECK(at.get(5).status() == 302);
        CHECK(at.log->reasons() == std::vector<std::string>{"a redirect to where nothing is sent"});
        at.log->take();
    }
    at.api.answerRaw("unknown", answer("", "Location: /a\r\nLocation: " + at.other.url() + "\r\n", 302), false);
    CHECK(at.get(5).status() == 302);
    at.api.answerRaw("unknown", answer("", "", 302), false);
    CHECK(at.get(5).status() == 302);
    CHECK(at.atOther().empty());
    CHECK(plain.requests("*").empty());
    CHECK(at.atApi().size() == 15);
    at.visitor.checkUntouched();
}

TEST_CASE("the number of redirects is checked when the call starts") {
    TwoOrigins at;
    CallOptions options;
    options.maxRedirects = 21;
    const Failure failure = failureOf(at.visitor.io, at.visitor.client.get("/x", options));
    CHECK(failure.code == Errc::invalid_argument);
    CHECK(failure.context == "CallOptions::maxRedirects must be 0 to 20");
    CHECK(at.atApi().empty());
    CHECK(at.log->take().empty());
}
