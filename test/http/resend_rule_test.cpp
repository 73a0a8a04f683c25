#include "http/resend_rule.hpp"

#include <doctest/doctest.h>

#include <boost/asio/error.hpp>

using namespace wix;
using namespace wix::detail;

namespace {

Failure failure(boost::system::error_code code, bool maybeSent) {
    Failure made(code, "POST https://localhost/x");
    made.maybeSent = maybeSent;
    made.requestId = "id-1";
    return made;
}

}  // namespace

TEST_CASE("a lost request is sent again at once only if it cannot have been processed, or may be twice") {
    struct Case {
        bool maybeSent, reused, sawAnswer, idempotent, again;
    };
    for (const Case& c : {// Nothing had left: any method, but not on a connection's first request.
                          Case{false, true, false, false, true}, Case{false, true, false, true, true},
                          Case{false, false, false, false, false}, Case{false, false, false, true, false},
                          // Something had left: only what may be repeated.
                          Case{true, true, false, true, true}, Case{true, true, false, false, false},
                          Case{true, false, false, true, false}, Case{true, false, false, false, false},
                          // A byte of an answer had come: the server was at work.
                          Case{true, true, true, true, false}, Case{true, true, true, false, false},
                          Case{false, true, true, true, false}, Case{true, false, true, true, false}}) {
        CAPTURE(c.maybeSent);
        CAPTURE(c.reused);
        CAPTURE(c.sawAnswer);
        CAPTURE(c.idempotent);
        CHECK(resendAtOnce(failure(Errc::connection_lost, c.maybeSent), ResendFacts(c.reused, c.sawAnswer, false),
                           c.idempotent) == c.again);
    }
}

TEST_CASE("a request whose connection had bytes of no response is sent again at once only if it is idempotent [C24]") {
    const Failure invalid = failure(Errc::response_invalid, true);
    for (const bool reused : {false, true})
        for (const bool foreign : {false, true})
            for (const bool idempotent : {false, true})
                CHECK(resendAtOnce(invalid, ResendFacts(reused, true, foreign), idempotent) ==
                      (reused && foreign && idempotent));
    for (Errc code : {Errc::response_truncated, Errc::response_too_large, Errc::timeout})
        CHECK_FALSE(resendAtOnce(failure(code, true), ResendFacts(true, true, true), true));
}

TEST_CASE("no other failure is") {
    for (Errc code :
         {Errc::connection_refused, Errc::network_unreachable, Errc::timeout, Errc::maybe_sent,
          Errc::response_truncated, Errc::response_invalid, Errc::certificate_untrusted, Errc::tls_failed}) {
        CAPTURE(static_cast<int>(code));
        CHECK_FALSE(resendAtOnce(failure(code, false), ResendFacts(true, false, false), true));
    }
    const ResendFacts unseen(true, false, false);
    CHECK_FALSE(resendAtOnce(failure(boost::asio::error::operation_aborted, false), unseen, true));
    CHECK_FALSE(resendAtOnce(failure(boost::asio::error::connection_reset, false), unseen, true));
}

TEST_CASE("the caller is told when a request may have been processed that must not be repeated") {
    CHECK(asSeenByCaller(failure(Errc::connection_lost, true), false).code == Errc::maybe_sent);
    CHECK(asSeenByCaller(failure(Errc::connection_lost, true), true).code == Errc::connection_lost);
    CHECK(asSeenByCaller(failure(Errc::connection_lost, false), false).code == Errc::connection_lost);
    CHECK(asSeenByCaller(failure(Errc::connection_lost, false), true).code == Errc::connection_lost);
    for (Errc code : {Errc::timeout, Errc::response_truncated, Errc::response_invalid, Errc::tls_failed}) {
        CAPTURE(static_cast<int>(code));
        CHECK(asSeenByCaller(failure(code, true), false).code == code);
    }
    const Failure told = asSeenByCaller(failure(Errc::connection_lost, true), false);
    CHECK(told.context == "POST https://localhost/x");
    CHECK(told.requestId == "id-1");
    CHECK(told.maybeSent);
}
