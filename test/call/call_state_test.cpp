#include "call/call_state.hpp"

#include <doctest/doctest.h>

#include <boost/asio/error.hpp>

#include <string>
#include <vector>

using namespace wix;
using namespace wix::detail;
using namespace std::chrono_literals;
using Action = CallDecision::Action;
using Delay = std::optional<std::chrono::milliseconds>;

namespace {

constexpr std::chrono::milliseconds plenty = 60s;

RetryOptions retryOf(int attempts, std::chrono::milliseconds first = 200ms, std::chrono::milliseconds most = 5s) {
    RetryOptions retry;
    retry.maxAttempts = attempts;
    retry.firstDelay = first;
    retry.maxDelay = most;
    return retry;
}

ReplyFacts reply(int status, Delay retryAfter = std::nullopt) {
    ReplyFacts facts;
    facts.status = status;
    facts.tokenExpired = status == 401;
    facts.retryAfter = retryAfter;
    return facts;
}

Failure failure(boost::system::error_code code, bool maybeSent) {
    Failure made(code, "GET https://localhost/x");
    made.maybeSent = maybeSent;
    return made;
}

std::string shown(const CallDecision& decision) {
    const char* names[] = {"finish: ", "renew: ", "renew only: ", "wait: ", "follow: "};
    return names[static_cast<int>(decision.action)] + std::string(decision.reason);
}

std::string afterStatus(int status, bool idempotent, Delay retryAfter = std::nullopt) {
    CallState state(RetryOptions(), idempotent);
    return shown(state.replied(reply(status, retryAfter), 0.5, plenty));
}

std::string afterFailure(boost::system::error_code code, bool maybeSent, bool idempotent) {
    CallState state(RetryOptions(), idempotent);
    return shown(state.failed(failure(code, maybeSent), 0.5, plenty));
}

}  // namespace

TEST_CASE("an answer that will not pass is the caller's, whatever the method") {
    for (int status : {200, 201, 204, 206, 302, 304, 400, 402, 403, 404, 405, 409, 410, 412, 413, 422, 428, 501, 505}) {
        CAPTURE(status);
        CHECK(afterStatus(status, true) == "finish: answered");
        CHECK(afterStatus(status, false) == "finish: answered");
        CHECK(afterStatus(status, true, 0ms) == "finish: answered");
    }
}

TEST_CASE("a passing status is tried again only if the call may be repeated") {
    for (int status : {429, 500, 502, 503, 504}) {
        CAPTURE(status);
        CHECK(afterStatus(status, true) == "wait: a passing status");
        CHECK(afterStatus(status, false) == "finish: a passing status, but not repeatable");
    }
    CHECK(afterStatus(408, true) == "wait: a status that asks for one resend");
    CHECK(afterStatus(408, false) == "finish: a passing status, but not repeatable");
    CHECK(afterStatus(408, false, 0ms) == "finish: a passing status, but not repeatable");
}

TEST_CASE("408, 421 and 425 are sent again once in a call, whichever comes") {
    for (int first : {408, 421, 425}) {
        for (int second : {408, 421, 425}) {
            CAPTURE(first);
            CAPTURE(second);
            CallState state(retryOf(10), true);
            CHECK(state.replied(reply(first), 0.5, plenty).action == Action::wait);
            CHECK(shown(state.replied(reply(second), 0.5, plenty)) ==
                  "finish: was sent again for such a status already");
        }
    }
    CallState post(retryOf(10), false);
    CHECK(post.replied(reply(425), 0.5, plenty).action == Action::wait);
    CHECK(post.replied(reply(425), 0.5, plenty).action == Action::finish);
    CallState mixed(retryOf(3), true);
    CHECK(mixed.replied(reply(421), 0.5, plenty).action == Action::wait);
    CHECK(mixed.replied(reply(503), 0.5, plenty).action == Action::wait);
    CHECK(shown(mixed.replied(reply(503), 0.5, plenty)) == "finish: no attempts left");  // a resend is an attempt too
    CHECK(shown(CallState(retryOf(1), true).replied(reply(421), 0.5, plenty)) == "finish: no attempts left");
    CallState tooLong(retryOf(3), true);  // what was not sent again does not count
    CHECK(tooLong.replied(reply(421, 1h), 0.5, plenty).action == Action::finish);
    CHECK(tooLong.replied(reply(421), 0.5, plenty).action == Action::wait);
}

TEST_CASE("what was refused before it was processed is tried again whatever the method") {
    for (int status : {421, 425}) {
        CAPTURE(status);
        CHECK(afterStatus(status, true) == "wait: a status that asks for one resend");
        CHECK(afterStatus(status, false) == "wait: a status that asks for one resend");
    }
    CHECK(afterStatus(429, false) == "finish: a passing status, but not repeatable");
    CHECK(afterStatus(429, false, 1s) == "wait: a passing status");
    // A 503 with a date may come from behind whatever has processed the request.
    CHECK(afterStatus(503, false, 1s) == "finish: a passing status, but not repeatable");
}

TEST_CASE("attempts are counted, the first one too") {
    for (int most = 1; most <= 4; ++most) {
        CAPTURE(most);
        CallState state(retryOf(most), true);
        for (int attempt = 1; attempt < most; ++attempt) {
            CAPTURE(attempt);
            CHECK(state.replied(reply(503), 0.5, plenty).action == Action::wait);
        }
        CHECK(shown(state.replied(reply(503), 0.5, plenty)) == "finish: no attempts left");
        CHECK(shown(state.failed(failure(Errc::connection_lost, false), 0.5, plenty)) == "finish: no attempts left");
    }
}

TEST_CASE("delays are random below a bound that doubles") {
    CallState low(retryOf(10, 200ms, 1000ms), true), high(retryOf(10, 200ms, 1000ms), true);
    for (const auto bound : {200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        CHECK(low.replied(reply(503), 0.0, plenty).delay == 0ms);
        CHECK(high.replied(reply(503), 0.5, plenty).delay == bound / 2);
    }
}

TEST_CASE("Retry-After is obeyed up to the longest delay, and never shortens one") {
    struct Case {
        std::chrono::milliseconds asked;
        std::chrono::milliseconds expected;  // -1: finish
    };
    for (const Case& c : {Case{0ms, 100ms}, Case{50ms, 100ms}, Case{100ms, 100ms}, Case{150ms, 150ms},
                          Case{5000ms, 5000ms}, Case{5001ms, -1ms}, Case{1h, -1ms}}) {
        CAPTURE(c.asked.count());
        CallState state(retryOf(3), true);
        const CallDecision decision = state.replied(reply(429, c.asked), 0.5, plenty);
        CHECK((decision.action == Action::wait) == (c.expected >= 0ms));
        if (c.expected >= 0ms) CHECK(decision.delay == c.expected);
        if (c.expected < 0ms) CHECK(decision.reason == "asked to wait too long");
    }
}

TEST_CASE("a wait that the call's deadline does not leave time for is not begun") {
    struct Case {
        std::chrono::milliseconds left;
        const char* expected;
    };
    for (const Case& c :
         {Case{101ms, "wait: a passing status"}, Case{100ms, "finish: no time left"}, Case{1ms, "finish: no time left"},
          Case{0ms, "finish: no time left"}, Case{-5s, "finish: no time left"}}) {
        CAPTURE(c.left.count());
        CallState state(retryOf(3), true);
        CHECK(shown(state.replied(reply(503), 0.5, c.left)) == c.expected);
    }
    CallState noDelay(retryOf(3, 0ms, 0ms), true);
    CHECK(shown(noDelay.replied(reply(503), 0.5, 1ms)) == "wait: a passing status");
    CHECK(shown(noDelay.replied(reply(503), 0.5, 0ms)) == "finish: no time left");
}

TEST_CASE("a refused token is renewed once per call, and costs no attempt") {
    for (bool idempotent : {true, false}) {
        CAPTURE(idempotent);
        CallState state(retryOf(2), idempotent);
        CHECK(shown(state.replied(reply(401), 0.5, plenty)) == "renew: the token was refused");
        CHECK(shown(state.replied(reply(401), 0.5, plenty)) == "finish: the replay was refused too");
        CHECK(shown(state.replied(reply(401), 0.5, plenty)) == "finish: the replay was refused too");
    }
    CallState state(retryOf(2), true);
    CHECK(state.replied(reply(401), 0.5, plenty).action == Action::renew);
    CHECK(state.replied(reply(503), 0.5, plenty).action == Action::wait);
    CHECK(state.replied(reply(401), 0.5, plenty).action == Action::finish);
    CallState lastAttempt(retryOf(1), true);
    CHECK(lastAttempt.replied(reply(401), 0.5, plenty).action == Action::renew);
    CHECK(lastAttempt.replied(reply(503), 0.5, plenty).action == Action::finish);
    ReplyFacts meansExpired = reply(400);
    meansExpired.tokenExpired = true;
    CHECK(CallState(retryOf(1), false).replied(meansExpired, 0.5, plenty).action == Action::renew);
}

TEST_CASE("a fault of the network is tried again unless the request may have been processed") {
    for (Errc code : {Errc::connection_lost, Errc::connection_refused, Errc::network_unreachable, Errc::timeout,
                      Errc::response_truncated, Errc::name_unavailable, Errc::proxy_failed}) {
        CAPTURE(static_cast<int>(code));
        CHECK(afterFailure(code, false, false) == "wait: a connection fault");
        CHECK(afterFailure(code, false, true) == "wait: a connection fault");
        CHECK(afterFailure(code, true, true) == "wait: a connection fault");
        CHECK(afterFailure(code, true, false) == "finish: it may have been processed");
    }
}

TEST_CASE("what no retry cures is told at once") {
    for (Errc code : {Errc::invalid_target, Errc::invalid_header, Errc::name_not_found, Errc::maybe_sent,
                      Errc::certificate_untrusted, Errc::certificate_expired, Errc::certificate_wrong_host,
                      Errc::certificate_not_pinned, Errc::tls_failed, Errc::proxy_authentication_required,
                      Errc::used_after_fork, Errc::response_invalid, Errc::response_too_large, Errc::response_not_json,
                      Errc::token_unavailable, Errc::storage_damaged}) {
        CAPTURE(static_cast<int>(code));
        CHECK(afterFailure(code, false, true) == "finish: no retry cures this");
        CHECK(afterFailure(code, false, false) == "finish: no retry cures this");
        CHECK(afterFailure(code, true, true) == "finish: no retry cures this");
    }
    CHECK(afterFailure(boost::asio::error::operation_aborted, false, true) == "finish: no retry cures this");
    CHECK(afterFailure(boost::asio::error::operation_aborted, true, false) == "finish: it may have been processed");
}

TEST_CASE("a body that cannot be given again: nothing is sent again, but a refused token is renewed all the same") {
    using Decision = CallDecision;
    CHECK(shown(Decision(Action::wait, "a passing status", 1s).withoutBody()) ==
          "finish: the body cannot be given again");
    CHECK(shown(Decision(Action::renew, "the token was refused").withoutBody()) ==
          "renew only: the token was refused, and the body cannot be given again");
    CHECK(shown(Decision(Action::finish, "answered").withoutBody()) == "finish: answered");
    CHECK(Decision(Action::wait, "").sendsAgain());
    CHECK(Decision(Action::renew, "").sendsAgain());
    for (const Action action : {Action::finish, Action::renewOnly, Action::follow})
        CHECK_FALSE(Decision(action, "").sendsAgain());
    CHECK(shown(Decision::quotaIsEmpty()) == "finish: retry quota is empty");
}

TEST_CASE("whether one of the requests may have been processed is not forgotten") {
    CallState lost(RetryOptions(), true);
    CHECK_FALSE(lost.maybeProcessed());
    lost.failed(failure(Errc::connection_refused, false), 0.5, plenty);
    CHECK_FALSE(lost.maybeProcessed());
    lost.failed(failure(Errc::connection_lost, true), 0.5, plenty);
    lost.failed(failure(Errc::connection_refused, false), 0.5, plenty);
    CHECK(lost.maybeProcessed());
    CallState refused(RetryOptions(), false);
    refused.replied(reply(401), 0.5, plenty);
    refused.replied(reply(429, 1s), 0.5, plenty);
    refused.replied(reply(421), 0.5, plenty);
    CHECK_FALSE(refused.maybeProcessed());
    refused.replied(reply(503), 0.5, plenty);
    CHECK(refused.maybeProcessed());
    CallState redirected(RetryOptions(), false);
    redirected.redirected(true);
    CHECK(redirected.maybeProcessed());
    CHECK(shown(redirected.replied(reply(503), 0.5, plenty)) == "wait: a passing status");
}

TEST_CASE("an Idempotency-Key marks a request") {
    CHECK(hasIdempotencyKey({{"Idempotency-Key", "a1"}}));
    CHECK(hasIdempotencyKey({{"X", "y"}, {"idempotency-KEY", "a1"}}));
    CHECK_FALSE(hasIdempotencyKey({{"Idempotency-Key", ""}}));
    CHECK_FALSE(hasIdempotencyKey({{"X-Idempotency-Key", "a1"}}));
    CHECK_FALSE(hasIdempotencyKey({}));
}

TEST_CASE("which requests may be repeated") {
    for (const char* method : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}) {
        CAPTURE(method);
        CHECK(isIdempotent(method, "/ecom/v1/carts/current"));
        CHECK(isIdempotent(method, "/"));
    }
    for (const char* method : {"POST", "PATCH", "get", "QUERY", ""}) {
        CAPTURE(method);
        CHECK_FALSE(isIdempotent(method, "/ecom/v1/carts/current"));
    }
    for (const char* target :
         {"/stores/v3/products/query", "/events/v3/events/query?a=b", "/x/search", "/x/search?q"}) {
        CAPTURE(target);
        CHECK(isIdempotent("POST", target));
        CHECK_FALSE(isIdempotent("PATCH", target));
    }
    for (const char* target :
         {"/query/", "/query/x", "/myquery", "/x?path=/query", "/x/querys", "/research", "/QUERY", "query"}) {
        CAPTURE(target);
        CHECK_FALSE(isIdempotent("POST", target));
    }
}
