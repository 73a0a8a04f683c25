// Connections that end at the wrong moment: what is sent again without a word, and what never is.
#include "toxics/toxic_line.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/steady_timer.hpp>

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// A connection that dies when a request has been written: bytes of the request that still pass, and how it dies.
struct Death {
    Death(std::uint64_t passed, bool isReset) : bytes(passed), reset(isReset) {}
    Toxics toxics() const { return reset ? resetAfter(bytes) : closeAfter(bytes); }
    std::uint64_t bytes;
    bool reset;
};
const std::vector<Death> deaths = {Death(0, false), Death(1, false), Death(60, false), Death(0, true), Death(60, true)};

}  // namespace

TEST_CASE("the server closes an idle connection before it is used again: another one, for GET and for POST [60]") {
    for (const bool tls : {false, true}) {
        CAPTURE(tls);
        ToxicLine line(tls);
        line.proxy.closeAll();
        CHECK(line.getWorks());
        CHECK(line.connections() == 2);
        line.proxy.closeAll();
        CHECK_FALSE(line.failingAdd().code);
        CHECK(line.connections() == 3);
        CHECK(line.items() == 1);
        CHECK(line.cartRequests() == 2);
        line.proxy.resetAll();
        CHECK(line.getWorks());
        CHECK(line.connections() == 4);
        CHECK(line.cartRequests() == 3);
        line.visitor.checkUntouched();
    }
}

TEST_CASE("a close that crosses a GET on its way: the GET is sent once more [61]") {
    for (const bool tls : {false, true}) {
        for (const Death& death : deaths) {
            CAPTURE(tls);
            CAPTURE(death.bytes);
            CAPTURE(death.reset);
            ToxicLine line(tls);
            line.proxy.set(1, Direction::upstream, death.toxics());
            CHECK(line.getWorks());
            CHECK(line.connections() == 2);
            CHECK(line.cartRequests() == 1);
            // The request arrives, and the answer does not.
            line.proxy.set(2, Direction::downstream, death.reset ? resetAfter(0) : closeAfter(0));
            CHECK(line.getWorks());
            CHECK(line.connections() == 3);
            CHECK(line.cartRequests() == 3);
            line.visitor.checkUntouched();
        }
    }
}

TEST_CASE("a new connection that dies too is no race: the caller hears of it [61]") {
    for (const bool reset : {false, true}) {
        CAPTURE(reset);
        ToxicLine line(false);
        line.proxy.set(1, Direction::upstream, closeAfter(0));
        line.proxy.set(2, Direction::upstream, reset ? resetAfter(0) : closeAfter(0));
        const Failure failure = line.visitor.failingGet();
        CHECK(failure.code == Errc::connection_lost);
        CHECK(failure.maybeSent);
        CHECK(line.connections() == 2);
        CHECK(line.cartRequests() == 0);
        CHECK(line.getWorks());
        line.visitor.checkUntouched();
    }
}

TEST_CASE("a close that crosses a POST without a key: maybe_sent, and no duplicate [62]") {
    for (const bool tls : {false, true}) {
        for (const Death& death : deaths) {
            CAPTURE(tls);
            CAPTURE(death.bytes);
            CAPTURE(death.reset);
            ToxicLine line(tls, 3);  // retries are allowed, and must not help
            line.proxy.set(1, Direction::upstream, death.toxics());
            Failure failure = line.failingAdd();
            CHECK(failure.code == Errc::maybe_sent);
            CHECK(failure.maybeSent);
            CHECK(line.connections() == 1);
            CHECK(line.cartRequests() == 0);
            CHECK_FALSE(line.failingAdd().code);
            CHECK(line.items() == 1);
            // It has its effect, and the answer is lost.
            line.proxy.set(2, Direction::downstream, death.reset ? resetAfter(0) : closeAfter(0));
            failure = line.failingAdd();
            CHECK(failure.code == Errc::maybe_sent);
            CHECK(failure.maybeSent);
            CHECK(line.connections() == 2);
            CHECK(line.items() == 2);
            CHECK(line.cartRequests() == 2);
            line.visitor.checkUntouched();
        }
    }
}

TEST_CASE("a POST that its caller calls repeatable is sent once more [62]") {
    for (const bool tls : {false, true}) {
        CAPTURE(tls);
        CallOptions repeatable;
        repeatable.idempotent = true;
        ToxicLine line(tls);
        line.proxy.set(1, Direction::upstream, closeAfter(0));
        CHECK_FALSE(line.failingAdd(repeatable).code);
        CHECK(line.connections() == 2);
        CHECK(line.cartRequests() == 1);
        CHECK(line.items() == 1);
        line.visitor.checkUntouched();
    }
}

TEST_CASE("a reset after the answer's head: an error, and nothing is sent again [64]") {
    const std::string reply = answer(R"({"cart":{"id":"1"}})");
    const std::uint64_t head = reply.find("\r\n\r\n") + 4;
    for (const std::uint64_t bytes : {head, head + 3}) {
        CAPTURE(bytes - head);
        ToxicLine line(false);
        line.fake.answerRaw("cart", reply, false);
        line.proxy.set(Direction::downstream, resetAfter(bytes));
        Failure failure = line.visitor.failingGet();
        CHECK(failure.code == Errc::response_truncated);
        CHECK(failure.maybeSent);
        CHECK(line.cartRequests() == 1);
        CHECK(line.connections() == 1);
        line.proxy.clear();
        CHECK(line.getWorks());
        line.visitor.checkUntouched();

        ToxicLine posting(false, 3);
        posting.proxy.set(Direction::downstream, resetAfter(bytes));
        failure = posting.failingAdd();
        CHECK(failure.code == Errc::response_truncated);
        CHECK(failure.maybeSent);
        CHECK(posting.cartRequests() == 1);
        CHECK(posting.items() == 1);
        CHECK(posting.connections() == 1);
        posting.proxy.clear();
        posting.visitor.checkUntouched();
    }
    // Over TLS 1.3: a record of one byte takes 23.
    ToxicLine line(true);
    line.fake.dripNext("cart", 1, 0ms);
    line.proxy.set(Direction::downstream, resetAfter(23 * 40));
    const Failure failure = line.visitor.failingGet();
    CHECK(failure.code == Errc::response_truncated);
    CHECK(failure.maybeSent);
    CHECK(line.cartRequests() == 1);
    line.proxy.clear();
    CHECK(line.getWorks());
    line.visitor.checkUntouched();
}

TEST_CASE("a server that announces the end of the connection is believed before the end comes [67]") {
    for (const bool tls : {false, true}) {
        for (const std::string& reply :
             {answer(R"({"a":1})", "Connection: close\r\n"), answer(R"({"a":1})", "connection: CLOSE, x\r\n"),
              "HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n" + std::string(R"({"a":1})")}) {
            CAPTURE(tls);
            CAPTURE(reply);
            ToxicLine line(tls);
            line.proxy.set(Direction::downstream, toxicsWith([](Toxics& toxics) { toxics.slowClose = 1h; }));
            line.fake.answerRaw("cart", reply, true);
            CHECK(runOn(line.visitor.io, line.visitor.client.get(cartPath)) == object("a", 1));
            CHECK_FALSE(line.failingAdd().code);
            CHECK(line.connections() == 2);
            CHECK(line.items() == 1);
            line.visitor.checkUntouched();
        }
    }
}

TEST_CASE("an HTTP/1.0 server that keeps the connection alive, and says so [67]") {
    ToxicLine line(false);
    line.fake.answerRaw(
        "cart", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 7\r\n\r\n" + std::string(R"({"a":1})"),
        false);
    CHECK(runOn(line.visitor.io, line.visitor.client.get(cartPath)) == object("a", 1));
    CHECK(line.getWorks());
    CHECK(line.connections() <= 2);  // it may be used again, and need not
    line.visitor.checkUntouched();
}

TEST_CASE("Keep-Alive: timeout=1: not used after a second, although the end has not come [67]") {
    ToxicLine line(false);
    line.proxy.set(Direction::downstream, toxicsWith([](Toxics& toxics) { toxics.slowClose = 1h; }));
    line.fake.answerRaw("cart", answer(R"({"a":1})", "Keep-Alive: timeout=1, max=100\r\n"), true);
    CHECK(runOn(line.visitor.io, line.visitor.client.get(cartPath)) == object("a", 1));
    asio::steady_timer second(line.visitor.io, 1s);
    runOn(line.visitor.io, second.async_wait(asio::deferred));
    CHECK_FALSE(line.failingAdd().code);
    CHECK(line.connections() == 2);
    CHECK(line.items() == 1);
    line.visitor.checkUntouched();
}
