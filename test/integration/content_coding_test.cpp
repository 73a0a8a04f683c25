// Content codings: who asked for them, in how many lines they are named, and bodies that are not there.
#include "integration/failures.hpp"

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

std::string response(const std::string& status, const std::string& headers, const std::string& body) {
    return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

class Text final : public BodySink {
public:
    boost::asio::awaitable<void> write(std::string bytes) override {
        all += bytes;
        co_return;
    }
    std::string all;
};

const std::string path = "/media/v1/film";
const std::string plain = R"({"a":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"})";
const std::string coded = "Content-Encoding: gzip\r\n";

/// A fetch with these headers, and what the fake received of it.
struct Fetched {
    Fetched(testing::FakeWix& fake, Visitor& visitor, const Headers& headers, const std::string& bytes,
            std::shared_ptr<Text> sink = nullptr) {
        fake.answerRaw("unknown", bytes, false);
        Request request("GET", path);
        for (const auto& [name, value] : headers) request.header(name, value);
        const auto before = fake.state().requests["unknown"];
        try {
            response = runOn(visitor.io, visitor.client.fetch(std::move(request), std::move(sink)));
        } catch (const Error& error) {
            failure = error.failure();
        }
        requests = fake.state().requests["unknown"] - before;
        fake.clearFaults();
        acceptEncoding = fake.requests("unknown").back().header("Accept-Encoding");
    }
    Response response;
    Failure failure;
    std::uint64_t requests = 0;
    std::string acceptEncoding;
};

}  // namespace

TEST_CASE("a range is asked for without a coding, and its bytes are handed over [C10]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const Headers range{{"Range", "bytes=0-9"}, {"If-Range", "\"etag\""}};
    const Fetched slice(fake, visitor, range,
                        response("206 Partial Content", "Content-Range: bytes 0-9/99\r\n", "0123456789"));
    CHECK(slice.acceptEncoding == "identity");
    CHECK(slice.requests == 1);
    CHECK(slice.response.status() == 206);
    CHECK(slice.response.body() == "0123456789");
    const auto sink = std::make_shared<Text>();
    const Fetched streamed(fake, visitor, range, response("206 Partial Content", "", "0123456789"), sink);
    CHECK(streamed.acceptEncoding == "identity");
    CHECK(sink->all == "0123456789");
    // The whole, from a server that ignores both headers, is decoded.
    CHECK(Fetched(fake, visitor, range, response("200 OK", coded, gzip(plain))).response.body() == plain);
}

TEST_CASE("a range of an encoded body that was not asked for is an error after one request [C10]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const std::string slice = response("206 Partial Content", coded, gzip(plain).substr(0, 20));
    const Fetched whole(fake, visitor, {{"Range", "bytes=0-19"}}, slice);
    CHECK(whole.failure.code == Errc::response_invalid);
    CHECK(whole.requests == 1);
    const auto sink = std::make_shared<Text>();
    const Fetched streamed(fake, visitor, {{"Range", "bytes=0-19"}}, slice, sink);
    CHECK(streamed.failure.code == Errc::response_invalid);
    CHECK(streamed.requests == 1);
    CHECK(sink->all.empty());
}

TEST_CASE("with an Accept-Encoding of the caller the body is handed over as it came [C10]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const std::string packed = gzip(plain);
    for (const std::string accepted : {"gzip", "br", "identity", "*;q=0"}) {
        CAPTURE(accepted);
        const Headers headers{{"accept-encoding", accepted}};
        const Fetched kept(fake, visitor, headers, response("200 OK", coded, packed));
        CHECK(kept.acceptEncoding == accepted);
        CHECK(kept.response.body() == packed);
        CHECK(kept.response.header("content-encoding") == "gzip");
        const auto sink = std::make_shared<Text>();
        CHECK(Fetched(fake, visitor, headers, response("200 OK", coded, packed), sink).response.status() == 200);
        CHECK(sink->all == packed);
    }
    const Headers slice{{"Accept-Encoding", "gzip"}, {"Range", "bytes=0-9"}};
    CHECK(Fetched(fake, visitor, slice, response("206 P", coded, packed.substr(0, 10))).response.body() ==
          packed.substr(0, 10));
    CHECK(Fetched(fake, visitor, {{"Accept-Encoding", "br"}}, response("200 OK", "Content-Encoding: br\r\n", "x"))
              .response.body() == "x");
}

TEST_CASE("a JSON call is decoded, whatever Accept-Encoding its caller sets [C10]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    CallOptions options;
    options.headers.emplace_back("Accept-Encoding", "gzip");
    fake.answerRaw("cart", response("200 OK", coded, gzip(plain)), false);
    CHECK(boost::json::serialize(runOn(visitor.io, visitor.client.get(cartPath, options))) == plain);
    CHECK(fake.requests("cart").back().header("Accept-Encoding") == "gzip");
}

TEST_CASE("several lines of Content-Encoding are one list [C11]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const std::string identity = "Content-Encoding: identity\r\n";
    for (const std::string& lines : {identity + coded, coded + identity, identity + "X: y\r\n" + coded,
                                     std::string("Content-Encoding:\r\n") + coded}) {
        CAPTURE(lines);
        CHECK(Fetched(fake, visitor, {}, response("200 OK", lines, gzip(plain))).response.body() == plain);
        const auto sink = std::make_shared<Text>();
        const Fetched streamed(fake, visitor, {}, response("200 OK", lines, gzip(plain)), sink);
        CHECK(streamed.failure.code == Errc::response_invalid);
        CHECK(sink->all.empty());
    }
    const auto sink = std::make_shared<Text>();
    CHECK(Fetched(fake, visitor, {}, response("200 OK", identity + identity, plain), sink).response.status() == 200);
    CHECK(sink->all == plain);
    const Fetched twice(fake, visitor, {}, response("200 OK", coded + coded, gzip(gzip(plain))));
    CHECK(twice.failure.code == Errc::response_invalid);
}

TEST_CASE("several lines of Connection and Keep-Alive are one list each [C11]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const auto connections = fake.state().totalConnections;
    Fetched(fake, visitor, {}, response("200 OK", "Connection: x\r\nConnection: close\r\n", "a"));
    Fetched(fake, visitor, {}, response("200 OK", "", "b"));
    CHECK(fake.state().totalConnections == connections + 1);
    // A server that closes idle connections after a second: this one is too old for the next request.
    Fetched(fake, visitor, {}, response("200 OK", "Keep-Alive: max=9\r\nKeep-Alive: timeout=1\r\n", "c"));
    Fetched(fake, visitor, {}, response("200 OK", "", "d"));
    CHECK(fake.state().totalConnections == connections + 2);
}

TEST_CASE("a coding without a body has nothing to decode [C15]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    for (const std::string coding : {"gzip", "deflate", "br", "gzip, gzip"}) {
        const std::string header = "Content-Encoding: " + coding + "\r\n";
        for (const std::string status :
             {"200 OK", "202 Accepted", "204 No Content", "205 Reset Content", "206 Partial"}) {
            const std::string bytes = status.starts_with("204") ? "HTTP/1.1 " + status + "\r\n" + header + "\r\n"
                                                                : response(status, header, "");
            CAPTURE(bytes);
            const auto sink = std::make_shared<Text>();
            const Fetched streamed(fake, visitor, {}, bytes, sink);
            CHECK(streamed.failure.code == boost::system::error_code());
            CHECK(streamed.response.status() == std::stoi(status));
            CHECK(sink->all.empty());
            CHECK(Fetched(fake, visitor, {}, bytes).response.status() == std::stoi(status));
        }
        const std::string unmodified = "HTTP/1.1 304 Not Modified\r\n" + header + "Content-Length: 9\r\n\r\n";
        CHECK(Fetched(fake, visitor, {}, unmodified).response.status() == 304);
        CHECK(Fetched(fake, visitor, {}, unmodified, std::make_shared<Text>()).response.status() == 304);
        const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + header + "\r\n0\r\n\r\n";
        CHECK(Fetched(fake, visitor, {}, chunked, std::make_shared<Text>()).response.status() == 200);
        for (const auto& sink : {std::shared_ptr<Text>(), std::make_shared<Text>()}) {
            fake.answerRaw("unknown", "HTTP/1.1 200 OK\r\n" + header + "Content-Length: 9\r\n\r\n", false);
            CHECK(runOn(visitor.io, visitor.client.fetch(Request("HEAD", path), sink)).status() == 200);
        }
    }
}
