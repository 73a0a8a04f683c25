// Row 74: an answer that is cut is never taken for a whole one, wherever the cut is.
#include "toxics/toxic_line.hpp"

using namespace wix;
using namespace wix::test;

namespace {

const std::string text = R"({"a":1})";
const std::string chunkedAnswer =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\nX-Trailer: z\r\n\r\n";

/// What a POST gives whose answer is cut after `bytes`. Sent once: each answer is seen once.
result<Response> postCutAt(ToxicLine& line, const std::string& reply, std::uint64_t bytes, bool reset, bool thenClose) {
    CHECK(line.getWorks());  // a connection that is open, and has nothing to say any more
    const auto requests = line.cartRequests();
    line.fake.answerRaw("cart", reply, thenClose);
    line.proxy.set(Direction::downstream, reset ? resetAfter(bytes) : closeAfter(bytes));
    auto outcome = runOn(line.visitor.io,
                         asResult(line.visitor.client.fetch(Request("POST", addPath).body("{}", "application/json"))));
    line.proxy.clear();
    CHECK(line.cartRequests() == requests + 1);
    return outcome;
}

/// Cuts after 0, 1, 2, ... bytes until the answer comes whole; gives the number of bytes that were needed.
std::uint64_t cutEverywhere(ToxicLine& line, const std::string& reply, bool reset, bool thenClose) {
    for (std::uint64_t bytes = 0; bytes < 1000; ++bytes) {
        CAPTURE(bytes);
        const result<Response> outcome = postCutAt(line, reply, bytes, reset, thenClose);
        if (outcome.has_value()) {
            CHECK(outcome->body() == text);
            return bytes;
        }
        const Failure& failure = outcome.error();
        CHECK((failure.code == Errc::maybe_sent || failure.code == Errc::response_truncated));
        if (bytes == 0) CHECK(failure.code == Errc::maybe_sent);
        CHECK(failure.maybeSent);
    }
    return 0;
}

}  // namespace

TEST_CASE("cut after every byte, plain HTTP [74]") {
    for (const bool reset : {false, true}) {
        for (const std::string& reply : {answer(text), chunkedAnswer}) {
            CAPTURE(reset);
            CAPTURE(reply);
            ToxicLine line(false);
            CHECK(cutEverywhere(line, reply, reset, false) == reply.size());
            line.visitor.checkUntouched();
        }
    }
}

TEST_CASE("cut after every byte of one record, TLS [74]") {
    for (const bool reset : {false, true}) {
        CAPTURE(reset);
        ToxicLine line(true);
        const std::string reply = answer(text);
        CHECK(cutEverywhere(line, reply, reset, false) == reply.size() + 22);
        line.visitor.checkUntouched();
    }
}

TEST_CASE("a body that ends with the connection is whole only with close_notify, TLS [74]") {
    ToxicLine line(true);
    const std::string reply = "HTTP/1.1 200 OK\r\n\r\n" + text;
    CHECK(cutEverywhere(line, reply, false, true) == reply.size() + 22 + 24);
    line.visitor.checkUntouched();
}

TEST_CASE("a GET that is cut anywhere is made good by retries [74]") {
    for (const bool tls : {false, true}) {
        CAPTURE(tls);
        ToxicLine line(tls, 3);
        CHECK_FALSE(line.failingAdd().code);
        const boost::json::value whole = runOn(line.visitor.io, line.visitor.client.get(cartPath));
        for (std::uint64_t bytes = 0; bytes < 900; bytes += 17) {
            CAPTURE(bytes);
            line.proxy.set(line.connections(), Direction::downstream, closeAfter(bytes));
            CHECK(runOn(line.visitor.io, line.visitor.client.get(cartPath)) == whole);
            line.proxy.clear();
        }
        line.visitor.checkUntouched();
    }
}

TEST_CASE("a token answer that is cut anywhere leaves the session as it was [74]") {
    for (std::uint64_t bytes = 0; bytes < 700; bytes += 90) {
        CAPTURE(bytes);
        ToxicLine line(false);
        CHECK_FALSE(line.failingAdd().code);
        const Tokens before = runOn(line.visitor.io, line.visitor.client.getTokens());
        for (std::size_t number = 1; number < 10; ++number)
            line.proxy.set(number, Direction::downstream, closeAfter(bytes));
        const Failure failure = failureOf(line.visitor.io, line.visitor.client.renewToken());
        line.proxy.clear();
        CHECK(failure.code);
        CHECK(runOn(line.visitor.io, line.visitor.client.getTokens()) == before);
        CHECK(line.getWorks());  // the token is still good
        CHECK(line.fake.state().visitors == 1);
        CHECK(line.items() == 1);
    }
}
