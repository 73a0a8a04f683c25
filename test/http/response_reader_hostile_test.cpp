// What a broken or hostile server or proxy may send: refused with a reason, within the limits.
#include "http/response_cases.hpp"

#include <random>

using namespace wix::detail;
using namespace wix::detail::test;
using namespace std::string_literals;

namespace {

std::string head(const std::string& fields) { return ok + fields + "\r\n"; }

}  // namespace

TEST_CASE("another protocol is noticed at its first bytes") {
    check({"SSH-2.0-OpenSSH\r\n", invalid("does not begin with HTTP/1")});
    check({"\x15\x03\x01\x00\x02\x02\x46"s, invalid("does not begin with HTTP/1")});
    check({"<html>", invalid("does not begin with HTTP/1")});
    check({"http/1.1 200 OK", invalid("does not begin with HTTP/1")});
    check({"\r\nHTTP/1.1 200 OK\r\n\r\n", invalid("does not begin with HTTP/1")});
    check({" HTTP/1.1 200 OK\r\n\r\n", invalid("does not begin with HTTP/1")});
    check({"HTTP/2.0 200 OK\r\n\r\n", invalid("does not begin with HTTP/1")});
}

TEST_CASE("a malformed status line is refused") {
    for (std::string line :
         {"HTTP/1.2 200 OK", "HTTP/1.x 200 OK", "HTTP/1. 200 OK", "HTTP/1.11 200 OK", "HTTP/1.1\t200 OK"})
        check({line + "\r\n\r\n", invalid("bad version")});
    for (std::string line : {"HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 -20 OK", "HTTP/1.1 abc OK",
                             "HTTP/1.1  200 OK", "HTTP/1.1 200\tOK"})
        check({line + "\r\n\r\n", invalid("bad status")});
    check({"HTTP/1.1 099 OK\r\n\r\n", invalid("a status below 100")});
    check({"HTTP/1.1 000 OK\r\n\r\n", invalid("a status below 100")});
    check({"HTTP/1.1 200 O\0K\r\n\r\n"s, invalid("bad reason")});
}

TEST_CASE("malformed header lines are refused") {
    check({head("A b: c\r\n"), invalid("bad field")});
    check({head("A : b\r\n"), invalid("bad field")});
    check({head(": b\r\n"), invalid("bad field")});
    check({head("A\r\n"), invalid("bad field")});
    check({head("A\0B: c\r\n"s), invalid("bad field")});
    check({head("\xC3\xA4: c\r\n"), invalid("bad field")});
    check({head("A: b\0c\r\n"s), invalid("bad value")});
    check({head("A: b\x01\r\n"), invalid("bad value")});
    check({head("A: b\rc\r\n"), invalid("bad line ending")});
    check({head("A: b\r\n c\r\n"), invalid("a folded header line")});
    check({head("A: b\r\n\tc\r\n"), invalid("a folded header line")});
    check({head(" A: b\r\n"), invalid("a folded header line")});
    check({ok + "A: b\n", invalid("a line of the head ends without CR")});
    check({"HTTP/1.1 200 OK\n", invalid("a line of the head ends without CR")});
    check({ok + "A: b\r\n\n", invalid("a line of the head ends without CR")});
}

TEST_CASE("lengths that conflict are refused") {
    const std::string length = "Content-Length: ";
    for (std::string value :
         {"", "-1", "+1", "1x", "0x1", "1 2", "1,", ",1", "1.0", "18446744073709551616", "99999999999999999999"})
        check({head(length + value + "\r\n"), invalid("bad Content-Length")});
    check({head(length + "1\r\n" + length + "2\r\n"), invalid("multiple Content-Length")});
    check({head(length + "1, 2\r\n"), invalid("multiple Content-Length")});
    check({head(length + "5\r\nTransfer-Encoding: chunked\r\n"), invalid("bad Transfer-Encoding")});
    check({head("Transfer-Encoding: chunked\r\n" + length + "5\r\n"), invalid("bad Content-Length")});
    check({head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), invalid("bad Transfer-Encoding")});
    // Also where no body follows: the next answer's beginning depends on what the server believes.
    check({head(length + "1\r\n" + length + "2\r\n"), invalid("multiple Content-Length"), End::open, true});
}

TEST_CASE("a transfer coding other than chunked alone is refused") {
    for (std::string coding : {"gzip, chunked", "chunked, gzip", "gzip", "identity", "", "chunked;a=b", "xchunked",
                               "chunked, chunked", "chunked,", ",chunked", "\"chunked\"", "chunked\x0b"}) {
        const std::string text = feedIn({head("Transfer-Encoding: " + coding + "\r\n"), ""}, {}, small);
        CAPTURE(coding);
        CHECK((text == invalid("a transfer coding other than chunked") || text == invalid("bad value")));
        check({head("Transfer-Encoding: " + coding + "\r\n"), text});
    }
    check({head("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
           invalid("a transfer coding other than chunked")});
    check({"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", invalid("a transfer coding in HTTP/1.0")});
}

TEST_CASE("malformed chunks are refused") {
    for (std::string rest :
         {"x\r\n", "-1\r\n", " 1\r\nx\r\n", "0x1\r\nx\r\n", "\r\n\r\n", "1\r\nxy\r\n", "1\r\nx\n0\r\n\r\n",
          "1\nx\r\n0\r\n\r\n", "10000000000000000\r\n", "FFFFFFFFFFFFFFFFF\r\n", "1 2\r\nx\r\n", "1;\r\nx\r\n",
          "0;=\r\n\r\n", "0\r\nA b: c\r\n\r\n", "0\r\nContent-Length: 1\r\n\r\n",
          "0\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\r\n0\r\n\r\n"}) {
        const Case c(chunkedOk + rest + "\r\n\r\n", "");
        const std::string text = feedIn(c, {}, small);
        CAPTURE(rest);
        CAPTURE(text);
        CHECK(text.starts_with(invalid("bad ")));
        check({c.bytes, text});
    }
}

TEST_CASE("a head over its limit stops early") {
    const ResponseLimits limits(64, 10);
    const std::string atLimit = ok + "Content-Length: 0\r\nA: " + std::string(64 - 43, 'a') + "\r\n\r\n";
    CHECK(feedIn({atLimit, ""}, {}, limits).starts_with("reuse 200"));
    REQUIRE(atLimit.size() == 64);
    check({ok + "A: " + std::string(64, 'a'), tooLarge("the head is larger than 64 bytes")}, limits);
    check({ok + std::string(64 - ok.size(), 'a'), tooLarge("the head is larger than 64 bytes")}, limits);
    check({ok + std::string(63 - ok.size(), 'a'), "head"}, limits);
    // Many small fields, as one large.
    std::string many = ok;
    while (many.size() < 64) many += "A: b\r\n";
    check({many, tooLarge("the head is larger than 64 bytes")}, limits);

    ResponseReader reader{ResponseLimits()};
    const std::string endless(1 << 20, 'a');
    reader.feed(ok.data(), ok.size());
    const std::size_t taken = reader.feed(endless.data(), endless.size());
    CHECK(reader.state() == ResponseReader::State::failed);
    CHECK(taken <= std::size_t{64} << 10);
}

TEST_CASE("a body over its limit stops before its bytes are read, if it says its length") {
    check({head("Content-Length: 100\r\n"), "body"});
    check({head("Content-Length: 101\r\n"), tooLarge("the body is larger than 100 bytes")});
    check({head("Content-Length: 18446744073709551615\r\n"), tooLarge("the body is larger than 100 bytes")});
    check({chunkedOk + "65\r\n", tooLarge("the body is larger than 100 bytes")});
    check({chunkedOk + "FFFFFFFFFFFFFFFF\r\n", tooLarge("the body is larger than 100 bytes")});
    check({chunkedOk + "64\r\n" + std::string(100, 'x') + "\r\n1\r\n", tooLarge("the body is larger than 100 bytes")});
    check({chunkedOk + "64\r\n" + std::string(100, 'x') + "\r\n0\r\n\r\n",
           chunkedIs + "<" + std::string(100, 'x') + "> +0"});
}

TEST_CASE("a chunk's line, trailers and the lines between chunks have limits") {
    const auto extension = [](std::size_t size) { return ";" + std::string(size - 1, 'a'); };
    check({chunkedOk + "1" + extension(1021) + "\r\nx\r\n0\r\n\r\n", chunkedIs + "<x> +0"});
    check({chunkedOk + "1" + extension(1022) + "\r\nx\r\n0\r\n\r\n", tooLarge("a chunk's line is too long")});
    check({chunkedOk + std::string(1025, '0'), tooLarge("a chunk's line is too long")});
    check({chunkedOk + "1" + extension(3000), tooLarge("a chunk's line is too long")});
    check({chunkedOk + "1\r\nx\r\n1" + extension(3000), tooLarge("a chunk's line is too long")});

    const std::string trailer = "A: " + std::string(95, 'a') + "\r\n";
    std::string trailers;
    for (int i = 0; i < 4; ++i) trailers += trailer;
    check({chunkedOk + "0\r\n" + trailers + "\r\n", chunkedIs + "<> +0"});
    for (int i = 0; i < 20; ++i) trailers += trailer;
    check({chunkedOk + "0\r\n" + trailers + "\r\n", tooLarge("too many trailers")});
    check({chunkedOk + "1\r\nx\r\n0\r\n" + trailers, tooLarge("too many trailers")});

    CHECK(small.rawBodyBytes() == 100 + 50 + 512 + 65'536);
    CHECK(ResponseLimits(~std::size_t{0}, 5).rawBodyBytes() == ~std::size_t{0});
    CHECK(ResponseLimits(5, ~std::size_t{0}).rawBodyBytes() == ~std::size_t{0});
    std::string tiny = chunkedOk;
    for (int i = 0; i < 80; ++i) tiny += "1" + extension(900) + "\r\nx\r\n";
    const Case c(tiny, "");
    CHECK(feedIn(c, {}, small) == tooLarge("the body has too many small chunks"));
    std::vector<std::size_t> cuts;
    for (std::size_t i = 7; i < tiny.size(); i += 7) cuts.push_back(i);
    CHECK(feedIn(c, cuts, small) == tooLarge("the body has too many small chunks"));
}

TEST_CASE("what is taken in parts is judged as what is taken whole") {
    ResponseReader reader(ResponseLimits(4096, 100), false, true);
    const auto feed = [&](const std::string& bytes) {
        reader.feed(bytes.data(), bytes.size());
        if (reader.hasPart()) reader.takeReply();
        return reader.state();
    };
    CHECK(feed(chunkedOk + "3\r\nabc\r\n") == ResponseReader::State::body);
    CHECK(feed("3\r\nabc\r\n") == ResponseReader::State::body);
    CHECK(feed("3;a=" + std::string(2000, 'a')) == ResponseReader::State::failed);
    CHECK(reader.failure().code == wix::Errc::response_too_large);
}

TEST_CASE("quotes in a chunk's line end in that line") {
    const std::string malformed = invalid("a malformed chunk");
    check({chunkedOk + "3;a=\"b;c\";d=\"\\\"\"\r\nabc\r\n0;e=\"\"\r\n\r\n", chunkedIs + "<abc> +0"});
    // Each byte that came here would count 60 bytes against the limit of 100.
    check({chunkedOk + "3C;a=\"\r\nabcdef", malformed});
    check({chunkedOk + "3;a=\"\r\nabc\"\r\n0\r\n\r\n", malformed});
    check({chunkedOk + "3;a=\"\\\"\r\nabc\r\n0\r\n\r\n", malformed});
    check({chunkedOk + "3;a=\"\\\r\nabc\r\n0\r\n\r\n", malformed});
    check({chunkedOk + "3\r\nabc\r\n1;a=\"\r\nd", malformed});
    check({chunkedOk + "0;a=\"\r\n\r\n", malformed});
    check({chunkedOk + "1;a=\"" + std::string(1017, 'b') + "\r\nx", malformed});
    check({chunkedOk + "1;a=\"" + std::string(1018, 'b') + "\r\nx", tooLarge("a chunk's line is too long")});
}

TEST_CASE("no text repeats what the server sent") {
    for (std::string bytes : {ok + "A: SECRET\x01\r\n\r\n", ok + "SECRET\r\n\r\n", "SECRET"s,
                              "HTTP/1.1 200 SECRET\x01\r\n\r\n"s, chunkedOk + "SECRET\r\n", chunkedOk + "1\r\nSECRET",
                              head("Transfer-Encoding: SECRET\r\n"), head("Content-Length: SECRET\r\n")}) {
        const std::string text = feedIn({bytes, ""}, {}, small);
        CAPTURE(text);
        CHECK(text.find("HTTP answer") != std::string::npos);
        CHECK(text.find("SECRET") == std::string::npos);
    }
}

TEST_CASE("damaged answers give the same however they are split, and crash nothing") {
    const std::vector<std::string> seeds = {
        head("Content-Length: 5\r\nA: b\r\n") + "hello",
        chunkedOk + "5;a=b\r\nhello\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
        "HTTP/1.1 100 C\r\n\r\n" + head("Connection: close\r\nContent-Length: 0\r\n"),
        "HTTP/1.0 200 OK\r\n\r\nto the end",
    };
    const std::string alphabet = "\r\n\r\n :;,0123459aAfx\t\0\x80"s;
    std::mt19937 random(20'240'607);
    const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
    for (int round = 0; round < 8'000; ++round) {
        Case c(seeds[below(seeds.size())], "", below(2) ? End::clean : End::open, below(8) == 0);
        for (std::size_t edits = 1 + below(3); edits > 0; --edits) {
            const std::size_t at = below(c.bytes.size());
            switch (below(4)) {
                case 0:
                    c.bytes[at] = alphabet[below(alphabet.size())];
                    break;
                case 1:
                    c.bytes.insert(at, 1, alphabet[below(alphabet.size())]);
                    break;
                case 2:
                    c.bytes.erase(at, 1 + below(3));
                    break;
                default:
                    c.bytes.insert(at, c.bytes.substr(below(c.bytes.size()), below(12)));
                    break;
            }
            if (c.bytes.empty()) c.bytes = "H";
        }
        std::vector<std::size_t> all, some;
        for (std::size_t i = 1; i < c.bytes.size(); ++i) {
            all.push_back(i);
            if (below(10) == 0) some.push_back(i);
        }
        const std::string whole = feedIn(c, {}, small);
        const std::string bytewise = feedIn(c, all, small);
        const std::string pieces = feedIn(c, some, small);
        if (whole == bytewise && whole == pieces) continue;
        CAPTURE(c.bytes);
        CHECK(whole == bytewise);
        CHECK(whole == pieces);
    }
}
