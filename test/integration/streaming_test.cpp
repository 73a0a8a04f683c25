// Bodies that are not in memory.
#include "integration/failures.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <thread>

#include "support/bare_transport.hpp"
#include "support/held.hpp"
#include "support/scripted_server.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

const std::string uploadPath = "/media/v1/upload";

/// `total` bytes of one letter.
class Letters final : public BodySource {
public:
    Letters(std::size_t total, bool sizeKnown, bool rewinds = false)
        : total_(total), sizeKnown_(sizeKnown), rewinds_(rewinds) {}

    std::optional<std::uint64_t> size() const override {
        if (sizeKnown_) return announced ? announced : total_;
        return std::nullopt;
    }
    asio::awaitable<std::string> read(std::size_t most) override {
        if (onRead) onRead(given_);
        if (failAt && given_ >= failAt) throw std::runtime_error("the disk is gone");
        const std::size_t now = std::min(most, total_ - given_);
        given_ += now;
        co_return std::string(now, 'x');
    }
    bool rewind() override {
        if (rewinds_) given_ = 0;
        return rewinds_;
    }
    std::size_t given() const { return given_; }
    std::size_t failAt = 0;
    mutable std::size_t announced = 0;
    std::function<void(std::size_t)> onRead;

private:
    std::size_t total_;
    bool sizeKnown_;
    bool rewinds_;
    std::size_t given_ = 0;
};

class Collected final : public BodySink {
public:
    asio::awaitable<void> write(std::string bytes) override {
        if (failAt && body.size() >= failAt) throw std::runtime_error("the disk is full");
        CHECK_FALSE(bytes.empty());
        largest = std::max(largest, bytes.size());
        body += bytes;
        co_return;
    }
    std::string body;
    std::size_t largest = 0;
    std::size_t failAt = 0;
};

Request upload(std::shared_ptr<BodySource> source) {
    Request request("PUT", uploadPath);
    request.body(std::move(source), "application/octet-stream");
    return request;
}

testing::ReceivedRequest lastOf(const testing::FakeWix& fake) { return lastRequest(fake, "unknown"); }

}  // namespace

TEST_CASE("a body from a source arrives whole, with its length or in chunks") {
    testing::FakeWixOptions served;
    served.maxBodyBytes = 8u << 20;
    testing::FakeWix fake(served);
    Visitor visitor(fake);
    for (const std::size_t size : {0u, 1u, 1000u, 65'536u, 65'537u, 3'000'000u})
        for (const bool sizeKnown : {true, false}) {
            CAPTURE(size);
            CAPTURE(sizeKnown);
            fake.failNext("unknown", 1, testing::ScriptedReply(200, "{}"));
            const auto source = std::make_shared<Letters>(size, sizeKnown);
            const Response response = runOn(visitor.io, visitor.client.fetch(upload(source)));
            CHECK(response.status() == 200);
            CHECK(source->given() == size);
            const testing::ReceivedRequest received = lastOf(fake);
            CHECK(received.body == std::string(std::min<std::size_t>(size, 65'536), 'x'));
            CHECK(received.header("content-length") == (sizeKnown ? std::to_string(size) : ""));
            CHECK(received.header("transfer-encoding") == (sizeKnown ? "" : "chunked"));
            CHECK(received.header("content-type") == "application/octet-stream");
        }
    CHECK(fake.state().totalConnections == 1);
}

TEST_CASE("a source that gives another size than it said ends the call, and harms no other") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    for (const std::size_t announced : {999u, 1001u}) {
        const auto source = std::make_shared<Letters>(1000, true);
        source->announced = announced;
        const Failure failure = failureOf(visitor.io, visitor.client.fetch(upload(source)));
        CHECK(failure.code == Errc::invalid_argument);
        CHECK(has(failure.context, "BodySource"));
    }
    visitor.checkUntouched();
    CHECK(visitor.failingGet().code == Errc::api_error);
}

TEST_CASE("a source is asked for its size once: what grows meanwhile is no second request") {
    class Growing final : public BodySource {
    public:
        std::optional<std::uint64_t> size() const override { return ++asked * 5; }
        asio::awaitable<std::string> read(std::size_t) override {
            co_return std::string(++reads == 1 ? "GET /smuggled HTTP/1.1\r\n\r\n" : "");
        }
        mutable std::uint64_t asked = 0;
        int reads = 0;
    };
    testing::FakeWix fake;
    Visitor visitor(fake);
    const auto source = std::make_shared<Growing>();
    CHECK(failureOf(visitor.io, visitor.client.fetch(upload(source))).code == Errc::invalid_argument);
    CHECK(source->asked == 1);
    CHECK(fake.state().requests["unknown"] <= 1);
}

TEST_CASE("what a source throws is what the caller gets, and nothing goes on after it") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const auto source = std::make_shared<Letters>(1'000'000, true);
    source->failAt = 100'000;
    CHECK_THROWS_WITH(runOn(visitor.io, visitor.client.fetch(upload(source))), "the disk is gone");
    CHECK(fake.state().requests["unknown"] <= 1);
    visitor.checkUntouched();
}

TEST_CASE("an answer that comes before the body is sent ends the upload") {
    testing::FakeWix tokens;
    const std::string refusal = answer("{\"message\":\"too much\"}", "", 413);
    // It refuses at the head, and does not read what follows.
    ScriptedServer server([&](ScriptedPeer& peer, int) {
        peer.readHead();
        peer.write(refusal);
        peer.readUntil("\r\n\r\n\r\n");
    });
    asio::io_context io;
    OAuthStrategy strategy(clientId);
    strategy.tokens = runOn(io, clientOf(io, tokens).generateVisitorTokens());
    ClientOptions options = optionsFor(tokens);
    options.apiUrl = server.url();
    const Client client(io.get_executor(), strategy, options);
    SUBCASE("from a source") {
        const auto source = std::make_shared<Letters>(100'000'000, true);
        CHECK(runOn(io, client.fetch(upload(source))).status() == 413);
        CHECK(source->given() < 100'000'000);
    }
    SUBCASE("from memory") {
        Request request("PUT", uploadPath);
        request.body(std::string(50'000'000, 'x'), "application/octet-stream");
        CHECK(runOn(io, client.fetch(request)).status() == 413);
    }
}

TEST_CASE("interim answers do not end an upload") {
    ScriptedServer server([&](ScriptedPeer& peer, int) {
        peer.readHead();
        peer.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
        peer.readUntil("the end");
        peer.write(answer("{}"));
        peer.waitForEnd();
    });
    /// Its second piece comes when the interim answers have.
    class Slow final : public BodySource {
    public:
        std::optional<std::uint64_t> size() const override { return 14; }
        asio::awaitable<std::string> read(std::size_t) override {
            asio::steady_timer timer(co_await asio::this_coro::executor);
            for (int i = 0; i < 20; ++i) {
                timer.expires_after(std::chrono::milliseconds(1));
                co_await timer.async_wait(asio::use_awaitable);
            }
            ++reads;
            co_return std::string(reads == 1 ? "not yet" : reads == 2 ? "the end" : "");
        }
        int reads = 0;
    };
    BareTransport bare(detail::systemLookup);
    bare.host = "127.0.0.1";
    bare.port = server.port();
    detail::WireRequest request = bare.request("PUT");
    request.source = std::make_shared<Slow>();
    const auto reply = bare.send(request);
    REQUIRE(reply.has_value());
    CHECK(reply->status == 200);
    CHECK(bare.transport->openConnections() == 1);
}

TEST_CASE("a body that drips into a sink has stalled") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.timeouts.stall = 200ms;
    options.retry.maxAttempts = 1;
    Visitor visitor(fake, options);
    fake.dripNext("products", 1, 2ms);
    Request request("POST", queryPath);
    request.json(object());
    const auto sink = std::make_shared<Collected>();
    const Failure failure = failureOf(visitor.io, visitor.client.fetch(request, sink));
    CHECK(failure.code == Errc::timeout);
    CHECK(has(failure.context, "reading the answer"));
    CHECK_FALSE(sink->body.empty());
}

TEST_CASE("an answer's body goes to a sink piece by piece, beyond the limit of what is collected") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.maxResponseBytes = 10'000;
    Visitor visitor(fake, options);
    std::string body;
    for (int i = 0; body.size() < 2'000'000; ++i) body += std::to_string(i);
    fake.failNext("unknown", 1, testing::ScriptedReply(200, body, {{"X-Mark", "here"}}));
    const auto sink = std::make_shared<Collected>();
    const Response response = runOn(visitor.io, visitor.client.fetch(Request("GET", "/media/v1/film"), sink));
    CHECK(response.status() == 200);
    CHECK(response.header("x-mark") == "here");
    CHECK(response.body().empty());
    CHECK(sink->body == body);
    CHECK(sink->largest <= 65'536);
    CHECK(lastOf(fake).header("accept-encoding") == "identity");
    CHECK(fake.state().totalConnections == 1);  // and the connection is good for the next call
    CHECK(visitor.failingGet().code == Errc::api_error);
    CHECK(fake.state().totalConnections == 1);
}

TEST_CASE("chunked and empty bodies go to a sink as well") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const auto sink = std::make_shared<Collected>();
    fake.answerRaw("unknown", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                   false);
    CHECK(runOn(visitor.io, visitor.client.fetch(Request("GET", "/media/v1/a"), sink)).status() == 200);
    CHECK(sink->body == "abcde");
    fake.answerRaw("unknown", "HTTP/1.1 204 No Content\r\n\r\n", false);
    CHECK(runOn(visitor.io, visitor.client.fetch(Request("GET", "/media/v1/b"), sink)).status() == 204);
    CHECK(sink->body == "abcde");
    CHECK(fake.state().totalConnections == 1);
}

TEST_CASE("an error's body is collected, within the limit, and no sink sees it") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.maxResponseBytes = 10'000;
    Visitor visitor(fake, options);
    const auto sink = std::make_shared<Collected>();
    fake.failNext("unknown", 1, testing::ScriptedReply(404, "{\"message\":\"no film\"}"));
    CHECK(runOn(visitor.io, visitor.client.fetch(Request("GET", "/media/v1/film"), sink)).body() ==
          "{\"message\":\"no film\"}");
    for (const std::string& body :
         {answer(std::string(10'001, 'x'), "", 404), "HTTP/1.1 404 X\r\nTransfer-Encoding: chunked\r\n\r\n2711\r\n" +
                                                         std::string(10'001, 'x') + "\r\n0\r\n\r\n"}) {
        fake.answerRaw("unknown", body, false);
        CHECK(failureOf(visitor.io, visitor.client.fetch(Request("GET", "/media/v1/film"), sink)).code ==
              Errc::response_too_large);
    }
    CHECK(sink->body.empty());
}

TEST_CASE("a body for a sink that ends early, or comes in a coding, is an error") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const auto sink = std::make_shared<Collected>();
    const Request request("GET", "/media/v1/film");
    fake.answerRaw("unknown", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", true);
    CHECK(failureOf(visitor.io, visitor.client.fetch(request, sink)).code == Errc::response_truncated);
    CHECK(sink->body == "abc");
    fake.answerRaw("unknown", answer("abc", "Content-Encoding: gzip\r\n"), false);
    CHECK(failureOf(visitor.io, visitor.client.fetch(request, sink)).code == Errc::response_invalid);
    CHECK(sink->body == "abc");
    CHECK(fake.state().requests["unknown"] == 2);  // what a sink has had cannot be taken back: no retry
}

TEST_CASE("what a sink throws is what the caller gets") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.failNext("unknown", 1, testing::ScriptedReply(200, std::string(1'000'000, 'x')));
    const auto sink = std::make_shared<Collected>();
    sink->failAt = 50'000;
    CHECK_THROWS_WITH(runOn(visitor.io, visitor.client.fetch(Request("GET", "/media/v1/film"), sink)),
                      "the disk is full");
    visitor.checkUntouched();
    CHECK(visitor.failingGet().code == Errc::api_error);
}

TEST_CASE("a call that was streaming can be cancelled, and its deadline holds") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.hold("unknown");
    CallOptions options;
    options.timeout = 50ms;
    Request request = upload(std::make_shared<Letters>(100, false));
    request.options(options);
    CHECK(failureOf(visitor.io, visitor.client.fetch(request)).code == Errc::timeout);
    std::stop_source stop;
    options.timeout = 1min;
    options.stopToken = stop.get_token();
    request.options(options);
    std::jthread stopper([&] {
        fake.waitUntilHeld("unknown", 2, 30s);
        stop.request_stop();
    });
    CHECK(failureOf(visitor.io, visitor.client.fetch(request)).code == asio::error::operation_aborted);
}
