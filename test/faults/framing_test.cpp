// Rows 70 to 77: answers that are framed wrongly, too large, or never end. Each ends its connection, and
// the next call has an answer of its own.
#include "integration/failures.hpp"

#include "testing/compression.hpp"

using namespace wix;
using namespace wix::test;

namespace {

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";

/// What a visitor's calls get for `bytes`; the one after that has to be the fake's own answer.
class Line {
public:
    Line() : visitor_(fake_, limited(optionsFor(fake_))) {}

    void refuses(const std::string& bytes, Errc code) {
        CAPTURE(bytes.substr(0, 200));
        fake_.answerRaw("cart", bytes, false);
        CHECK(visitor_.failing(visitor_.client.post(addPath, object())).code == code);
        checkNext();
    }
    void accepts(const std::string& bytes, const boost::json::value& json) {
        CAPTURE(bytes.substr(0, 200));
        fake_.answerRaw("cart", bytes, false);
        CHECK(runOn(visitor_.io, visitor_.client.get(cartPath)) == json);
        checkNext();
    }

private:
    static ClientOptions limited(ClientOptions options) {
        options.maxHeaderBytes = 4096;
        options.maxResponseBytes = 100'000;
        return options;
    }
    void checkNext() {
        const auto next = apiErrorOf(visitor_.io, visitor_.client.get(cartPath));
        REQUIRE(next);
        CHECK(next->status() == 404);
        CHECK(next->code() == "OWNED_CART_NOT_FOUND");
    }

    testing::FakeWix fake_;
    Visitor visitor_;
};

std::string gzip(const std::string& text) { return testing::detail::compress(text, testing::detail::Coding::gzip); }

}  // namespace

TEST_CASE("interim answers are skipped, up to a number [70]") {
    Line line;
    std::string interim;
    for (int i = 0; i < 8; ++i) interim += "HTTP/1.1 10" + std::to_string(2 + i % 2) + " Wait\r\nX: y\r\n\r\n";
    line.accepts(interim + answer("{\"a\":1}"), object("a", 1));
    line.refuses(interim + "HTTP/1.1 103 Wait\r\n\r\n" + answer("{}"), Errc::response_too_large);
    line.refuses("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", Errc::response_invalid);
}

TEST_CASE("interim answers without end stop at the limit of heads [70]") {
    Line line;
    line.refuses("HTTP/1.1 103 Wait\r\nX: " + std::string(5000, 'x') + "\r\n\r\n" + answer("{}"),
                 Errc::response_too_large);
}

TEST_CASE("lengths that conflict, two framings, folded lines and bare line feeds [72]") {
    Line line;
    for (const char* head : {"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "Content-Length: 2, 3\r\n\r\n{}",
                             "Content-Length: -2\r\n\r\n{}", "Content-Length: 99999999999999999999\r\n\r\n{}",
                             "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                             "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                             "Content-Length: 2\r\nX: a\r\n b\r\n\r\n{}", "Content-Length: 2\nX: a\r\n\r\n{}"})
        line.refuses(ok + head, Errc::response_invalid);
}

TEST_CASE("bytes behind an answer are nobody's answer [72]") {
    Line line;
    line.accepts(answer("{\"a\":1}") + answer("{\"stolen\":true}"), object("a", 1));
    line.accepts("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}", nullptr);
}

TEST_CASE("chunk sizes that overflow, endless extensions and trailers [73]") {
    Line line;
    line.refuses(chunked + "fffffffffffffffff\r\n", Errc::response_invalid);
    line.refuses(chunked + "2;a=" + std::string(20'000, 'a') + "\r\n{}\r\n0\r\n\r\n", Errc::response_too_large);
    std::string trailers;
    for (int i = 0; i < 1000; ++i) trailers += "X" + std::to_string(i) + ": y\r\n";
    line.refuses(chunked + "2\r\n{}\r\n0\r\n" + trailers + "\r\n", Errc::response_too_large);
}

TEST_CASE("a body over the limit is refused, its length known or not; an error keeps its status [76]") {
    Line line;
    line.refuses(ok + "Content-Length: 100001\r\n\r\n", Errc::response_too_large);
    line.refuses(chunked + "186a1\r\n" + std::string(100'001, 'x') + "\r\n0\r\n\r\n", Errc::response_too_large);
    line.refuses("HTTP/1.1 500 X\r\nContent-Length: 100001\r\n\r\n", Errc::api_error);
    line.accepts(answer("\"" + std::string(99'998, 'x') + "\""), boost::json::value(std::string(99'998, 'x')));
}

TEST_CASE("a small body that grows beyond the limit, garbage behind it, members one after the other [77]") {
    Line line;
    const std::string coded = "Content-Encoding: gzip\r\n";
    line.refuses(answer(gzip(std::string(50'000'000, '0')), coded), Errc::response_too_large);
    line.refuses(answer(gzip(std::string(50'000'000, '0')), coded, 404), Errc::api_error);
    line.refuses(answer(gzip("{}") + "garbage", coded), Errc::response_invalid);
    line.refuses(answer(gzip(gzip("{}")), "Content-Encoding: gzip, gzip\r\n"), Errc::response_invalid);
    line.accepts(answer(gzip("{\"a\"") + gzip(":1}"), coded), object("a", 1));
}
