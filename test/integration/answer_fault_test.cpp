// Answers that break the rules: a typed error, the connection closed, the session untouched.
#include "integration/failures.hpp"
#include "support/held.hpp"

#include <zlib.h>
#include <boost/json/serialize.hpp>

using namespace wix;
using namespace wix::test;

namespace {

std::string gzip(const std::string& text) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A POST that is not repeated: each answer is seen once.
Failure failureOfAnswer(testing::FakeWix& fake, Visitor& visitor, const std::string& bytes, bool thenClose) {
    const auto connections = fake.state().totalConnections;
    const auto requests = fake.state().requests.at("cart");
    fake.answerRaw("cart", bytes, thenClose);
    const Failure failure = visitor.failing(visitor.client.post(addPath, object()));
    CHECK(failure.code != boost::system::error_code());
    CHECK(has(failure.context, "POST "));
    CHECK(has(failure.context, addPath));
    CHECK(fake.state().requests.at("cart") == requests + 1);
    CHECK(visitor.failingGet().code == Errc::api_error);
    CHECK(fake.state().totalConnections == connections + 1);  // the faulty one was not used again
    visitor.checkUntouched();
    return failure;
}

}  // namespace

TEST_CASE("an answer that ends too early") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const std::string json = R"({"cart":{}})";
    for (const std::string& bytes :
         {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + json,
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"), std::string("HTTP/1.1 200 OK\r\nContent-Le"),
          std::string("H"), std::string("HTTP/1.1 100 Continue\r\n\r\n"), chunked + "b\r\n" + json + "\r\n",
          chunked + "b\r\n" + json + "\r\n0\r\n", chunked + "b\r\n{",
          std::string("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")}) {
        CAPTURE(bytes);
        const Failure failure = failureOfAnswer(fake, visitor, bytes, true);
        CHECK(failure.code == Errc::response_truncated);
        CHECK(failure.maybeSent);
    }
}

TEST_CASE("a connection that is cut within the answer") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.retry.maxAttempts = 1;
    Visitor visitor(fake, options);
    for (const auto at : {testing::CutPoint::afterHeaders, testing::CutPoint::midBody}) {
        CAPTURE(static_cast<int>(at));
        fake.cutNext("cart", 1, at);
        const Failure failure = visitor.failingGet();
        CHECK(failure.code == Errc::response_truncated);
        CHECK(failure.maybeSent);
        CHECK(visitor.failingGet().code == Errc::api_error);
        visitor.checkUntouched();
    }
    // Over TLS a body without a length is complete only with close_notify.
    fake.answerRaw("cart", "HTTP/1.1 200 OK\r\n\r\n{\"a\":1}", true);
    CHECK(runOn(visitor.io, visitor.client.get(cartPath)) == object("a", 1));
    CHECK(visitor.failingGet().code == Errc::api_error);
}

TEST_CASE("what is no HTTP, or no HTTP that we can be sure of") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    for (const std::string& bytes :
         {std::string("SSH-2.0-OpenSSH\r\n\r\n"), std::string("HTTP/2 200\r\n\r\n"), std::string("\r\n\r\n"),
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx"),
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}"),
          std::string("HTTP/1.1 200 OK\nContent-Length: 2\n\n{}"),
          std::string("HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 2\r\n\r\n{}"),
          std::string("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), chunked + "zz\r\n",
          chunked + "ffffffffffffffffff\r\n"}) {
        CAPTURE(bytes);
        const Failure failure = failureOfAnswer(fake, visitor, bytes, false);
        CHECK(failure.code == Errc::response_invalid);
        CHECK(failure.maybeSent);
    }
}

TEST_CASE("an answer over a limit is stopped early, whether its length is known or not") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.maxResponseBytes = 2000;
    options.maxHeaderBytes = 4096;
    Visitor visitor(fake, options);
    const std::string big(2001, ' ');
    std::string interims;
    for (int i = 0; i < 20; ++i) interims += "HTTP/1.1 102 Processing\r\n\r\n";
    for (const std::string& bytes :
         {"HTTP/1.1 200 OK\r\nContent-Length: 2001\r\n\r\n" + big,
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"),
          chunked + "7d1\r\n" + big + "\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n" + big,
          "HTTP/1.1 200 OK\r\nX: " + std::string(5000, 'x') + "\r\n\r\n", interims + answer("{}"),
          answer(gzip(std::string(2001, ' ')), "Content-Encoding: gzip\r\n"),
          answer(gzip(std::string(500'000, ' ')), "Content-Encoding: gzip\r\n")}) {
        CAPTURE(bytes.substr(0, 60));
        const bool unlimited = bytes.starts_with("HTTP/1.1 200 OK\r\n\r\n");
        const auto connections = fake.state().totalConnections;
        fake.answerRaw("cart", bytes, unlimited);
        const Failure failure = visitor.failing(visitor.client.post(addPath, object()));
        CHECK(failure.code == Errc::response_too_large);
        CHECK(failure.maybeSent);
        CHECK(visitor.failingGet().code == Errc::api_error);
        const bool decoded = has(bytes, "gzip");  // its framing was sound
        CHECK(fake.state().totalConnections == connections + (decoded ? 0 : 1));
        visitor.checkUntouched();
    }
    fake.answerRaw("cart", answer(std::string(1998, ' ') + "{}"), false);
    CHECK(runOn(visitor.io, visitor.client.get(cartPath)) == object());
}

TEST_CASE("something else where JSON is due") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    for (const std::string body : {"<html>SECRET PAGE</html>", "{\"SECRET\":", "{} trailing SECRET",
                                   "\xFF\xFESE"
                                   "CRET",
                                   "undefined"}) {
        CAPTURE(body);
        fake.answerRaw("cart", answer(body, "x-wix-request-id: req-5\r\nContent-Type: text/html\r\n"), false);
        const Failure failure = visitor.failingGet();
        CHECK(failure.code == Errc::response_not_json);
        CHECK(failure.requestId == "req-5");
        CHECK(has(failure.context, "GET " + cartPath));
        CHECK(has(failure.context, "HTTP 200"));
        CHECK_FALSE(has(Error(failure).what(), "SECRET"));
        fake.answerRaw("cart", answer(body), false);
        CHECK(runOn(visitor.io, visitor.client.fetch(Request("GET", cartPath))).body() == body);
        visitor.checkUntouched();
    }
    fake.answerRaw("cart", answer(""), false);
    CHECK(runOn(visitor.io, visitor.client.get(cartPath)).is_null());
    fake.answerRaw("cart", "HTTP/1.1 204 No Content\r\n\r\n", false);
    CHECK(runOn(visitor.io, visitor.client.get(cartPath)).is_null());
    CHECK(fake.state().totalConnections == 1);
}

TEST_CASE("what nobody asked for is never read as an answer to the next request") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    for (const std::string& bytes :
         {answer(R"({"mine":1})") + answer(R"({"foreign":1})"), answer(R"({"mine":1})") + "x",
          answer(R"({"mine":1})") + "\r\n", answer(R"({"mine":1})", "Connection: close\r\n"),
          "HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n" + std::string(R"({"mine":1})")}) {
        CAPTURE(bytes);
        const auto connections = fake.state().totalConnections;
        fake.answerRaw("cart", bytes, false);
        CHECK(runOn(visitor.io, visitor.client.get(cartPath)) == object("mine", 1));
        CHECK(visitor.failingGet().code == Errc::api_error);
        CHECK(fake.state().totalConnections == connections + 1);
    }
    fake.answerRaw("cart", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", false);
    CHECK(runOn(visitor.io, visitor.client.get(cartPath)).is_null());
    CHECK(visitor.failingGet().code == Errc::api_error);
    visitor.checkUntouched();
}

TEST_CASE("interim answers are skipped") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nX-Wix-Consistent: interim\r\n\r\n";
    for (int count : {1, 2, 8}) {
        CAPTURE(count);
        std::string bytes;
        for (int i = 0; i < count; ++i) bytes += i % 2 ? "HTTP/1.1 100 Continue\r\n\r\n" : interim;
        fake.answerRaw("cart", bytes + answer(R"({"a":1})"), false);
        CHECK(runOn(visitor.io, visitor.client.get(cartPath)) == object("a", 1));
        CHECK(visitor.failingGet().code == Errc::api_error);
    }
    CHECK(lastRequest(fake, "cart").header("X-Wix-Consistent") != "interim");
    CHECK(fake.state().totalConnections == 1);
    visitor.checkUntouched();
}

TEST_CASE("content codings") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const std::string json = R"({"a":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"})";
    const std::string packed = gzip(json);
    const std::string coding = "Content-Encoding: gzip\r\n";
    fake.answerRaw("cart", answer(packed, coding), false);
    CHECK(boost::json::serialize(runOn(visitor.io, visitor.client.get(cartPath))) == json);
    fake.answerRaw("cart", answer(json, "Content-Encoding: identity\r\n"), false);
    CHECK(boost::json::serialize(runOn(visitor.io, visitor.client.get(cartPath))) == json);
    for (const auto& [bytes, code] :
         {std::pair(answer("not gzip", coding), Errc::response_invalid),
          std::pair(answer(packed.substr(0, packed.size() - 3), coding), Errc::response_truncated),
          std::pair(answer(packed.substr(0, 5) + "x" + packed.substr(6, packed.size() - 9) + "xyz", coding),
                    Errc::response_invalid),
          std::pair(answer("x", "Content-Encoding: br\r\n"), Errc::response_invalid)}) {
        CAPTURE(bytes);
        fake.answerRaw("cart", bytes, false);
        const Failure failure = visitor.failing(visitor.client.post(addPath, object()));
        CHECK(failure.code == code);
        CHECK(failure.maybeSent);
        visitor.checkUntouched();
    }
    // The fake compresses what is worth it, when it is asked to.
    CHECK(runOn(visitor.io, visitor.client.post(queryPath, object())).at("products").as_array().size() > 1);
    CHECK(lastRequest(fake, "products").header("Accept-Encoding") == "gzip, deflate");
}
