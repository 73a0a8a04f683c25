#include "http/content_decoder.hpp"

#include <doctest/doctest.h>

#include <zlib.h>

#include <random>
#include <string>
#include <vector>

using namespace wix;
using namespace wix::detail;
using namespace std::string_literals;

namespace {

constexpr std::size_t plenty = std::size_t{16} << 20;

std::string compress(const std::string& text, int format, int level = 6) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, level, Z_DEFLATED, format, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string gzip(const std::string& text) { return compress(text, 15 + 16); }
std::string zlib(const std::string& text) { return compress(text, 15); }
std::string raw(const std::string& text) { return compress(text, -15); }

/// Like JSON: compresses well, and not absurdly.
std::string sample(std::size_t size) {
    std::mt19937 random(7);
    std::string text;
    while (text.size() < size) text += "{\"id\":\"" + std::to_string(random()) + "\",\"quantity\":1},";
    text.resize(size);
    return text;
}

std::string decode(const std::string& coding, const std::string& body, std::size_t maxBytes = plenty) {
    auto decoded = decodeContent(coding, body, maxBytes);
    if (decoded) return std::move(*decoded);
    const Failure& failure = decoded.error();
    return (failure.code == Errc::response_invalid     ? "invalid: "
            : failure.code == Errc::response_truncated ? "truncated: "
            : failure.code == Errc::response_too_large ? "too large: "
                                                       : "? ") +
           failure.context;
}

const std::string otherCoding = "invalid: HTTP answer: a content coding that was not asked for";
const std::string damaged = "invalid: HTTP answer: the compressed body is damaged";
const std::string behind = "invalid: HTTP answer: bytes behind the compressed body";
const std::string early = "truncated: HTTP answer: the compressed body ends early";
const std::string tooLarge = "too large: HTTP answer: the decompressed body is over the limit";
const std::string bomb = "too large: HTTP answer: the body is compressed more than 200 times";

}  // namespace

TEST_CASE("a body without a coding stays as it is") {
    for (std::string coding : {"", "identity", "Identity", " identity\t", "  "}) {
        CHECK(decode(coding, "text\0\xFF"s) == "text\0\xFF"s);
        CHECK(decode(coding, "") == "");
        CHECK(decode(coding, gzip("x")) == gzip("x"));
        CHECK(decode(coding, "12345", 5) == "12345");
        CHECK(decode(coding, "12345", 4) == "too large: HTTP answer: the body is over the limit");
    }
}

TEST_CASE("gzip and both kinds of deflate are decoded") {
    for (std::size_t size : {0u, 1u, 100u, 16'383u, 16'384u, 16'385u, 32'768u, 300'000u}) {
        const std::string text = sample(size);
        CAPTURE(size);
        CHECK(decode("gzip", gzip(text)) == text);
        CHECK(decode("x-gzip", gzip(text)) == text);
        CHECK(decode(" GZip ", gzip(text)) == text);
        CHECK(decode("deflate", zlib(text)) == text);
        CHECK(decode("DEFLATE", raw(text)) == text);
        CHECK(decode("deflate", compress(text, -15, 0)) == text);  // stored blocks
        CHECK(decode("deflate", compress(text, 9, 9)) == text);    // a small window
    }
}

TEST_CASE("an empty body is empty in any coding that we ask for") {
    for (std::string coding : {"gzip", "x-gzip", "deflate"}) CHECK(decode(coding, "") == "");
}

TEST_CASE("other codings and several of them are refused") {
    for (std::string coding :
         {"br", "zstd", "compress", "gzip, gzip", "gzip, deflate", "gzip;q=1", "*", "gz ip", "x-deflate", "SECRET"}) {
        CAPTURE(coding);
        CHECK(decode(coding, gzip("x")) == otherCoding);
        CHECK(decode(coding, "") == "");  // there is nothing to decode [C15]
    }
}

TEST_CASE("members of gzip are put together") {
    CHECK(decode("gzip", gzip("a") + gzip("") + gzip("b")) == "ab");
    std::string many, text;
    for (int i = 0; i < 200; ++i) {
        many += gzip(std::to_string(i));
        text += std::to_string(i);
    }
    CHECK(decode("gzip", many) == text);
    CHECK(decode("gzip", gzip("a") + gzip("b"), 1) == tooLarge);
    CHECK(decode("deflate", zlib("a") + zlib("b")) == behind);
    CHECK(decode("deflate", zlib("a") + gzip("b")) == behind);
}

TEST_CASE("a body that ends early is never part of an answer: every length is tried") {
    const std::string text = sample(500);
    for (const std::string& whole : {gzip(text), gzip("a") + gzip("b")})
        for (std::size_t size = 1; size < whole.size(); ++size) {
            if (size == gzip("a").size() && whole.size() < 60) continue;  // a member is complete there
            CAPTURE(size);
            CHECK(decode("gzip", whole.substr(0, size)) == early);
        }
    for (const std::string& whole : {zlib(text), raw(text)})
        for (std::size_t size = 1; size < whole.size(); ++size) {
            CAPTURE(size);
            CHECK(decode("deflate", whole.substr(0, size)) == early);
        }
}

TEST_CASE("damage is noticed") {
    const std::string text = sample(500);
    CHECK(decode("gzip", "plain text") == damaged);
    CHECK(decode("gzip", zlib(text)) == damaged);
    CHECK(decode("gzip", raw(text)) == damaged);
    CHECK(decode("deflate", gzip(text)) == damaged);
    CHECK(decode("deflate", "<html>") == damaged);
    std::string checksum = gzip(text);
    checksum[checksum.size() - 5] ^= 1;
    CHECK(decode("gzip", checksum) == damaged);
    std::string adler = zlib(text);
    adler.back() ^= 1;
    CHECK(decode("deflate", adler) == damaged);
    // No changed byte behind gzip's header gives another text.
    const std::string whole = gzip(text);
    for (std::size_t i = 10; i < whole.size(); ++i) {
        std::string changed = whole;
        changed[i] ^= 0x10;
        const std::string is = decode("gzip", changed);
        CAPTURE(i);
        CHECK((is == damaged || is == early || is == behind));
    }
}

TEST_CASE("bytes behind the end are refused") {
    for (std::string rest : {"x"s, "\0"s, "\0\0\0\0"s, "\x1Fx"s, "\x8B"s, "plain text"s}) {
        CAPTURE(rest);
        CHECK(decode("gzip", gzip("a") + rest) == behind);
        CHECK(decode("deflate", zlib("a") + rest) == behind);
        CHECK(decode("deflate", raw("a") + rest) == behind);
    }
    CHECK(decode("gzip", gzip("a") + "\x1F") == early);
    CHECK(decode("gzip", gzip("a") + "\x1F\x8B") == early);
    CHECK(decode("gzip", gzip("a") + "\x1F\x8Bxxxxxxxxxxxx") == damaged);
}

TEST_CASE("the limit is for what comes out") {
    const std::string text = sample(100'000);
    for (const std::string& body : {gzip(text), zlib(text)}) {
        const std::string coding = body == gzip(text) ? "gzip" : "deflate";
        CHECK(decode(coding, body, 100'000) == text);
        CHECK(decode(coding, body, 99'999) == tooLarge);
        CHECK(decode(coding, body, 20'000) == tooLarge);
        CHECK(decode(coding, body, 1) == tooLarge);
        CHECK(decode(coding, body, 0) == tooLarge);
    }
    CHECK(decode("gzip", gzip(""), 0) == "");
}

TEST_CASE("a bomb stops at its ratio, and what is only well compressed does not") {
    const std::string zeros(std::size_t{8} << 20, '\0');
    CHECK(decode("gzip", gzip(zeros)) == bomb);
    CHECK(decode("deflate", zlib(zeros)) == bomb);
    CHECK(decode("deflate", raw(zeros)) == bomb);
    CHECK(decode("gzip", gzip(gzip(zeros))) == gzip(zeros));  // one coding is undone, not more
    // Up to 1 MiB any ratio will do.
    const std::string little(std::size_t{1} << 20, '\0');
    CHECK(decode("gzip", gzip(little)) == little);
    CHECK(decode("gzip", gzip(little + "\0"s)) == bomb);
    const std::string much = sample(std::size_t{4} << 20);
    CHECK(decode("gzip", gzip(much)) == much);
    // Many small members are no way around it.
    std::string members;
    for (int i = 0; i < 64; ++i) members += gzip(std::string(std::size_t{64} << 10, '\0'));
    CHECK(decode("gzip", members) == bomb);
}

TEST_CASE("a list of codings is read as a whole, and identity is no coding [C11]") {
    const std::string text = sample(1'000);
    for (const std::string list : {"identity, gzip", "gzip, identity", "identity,gzip", ", gzip ,", "\tgzip\t,identity",
                                   "IDENTITY, GZIP, identity", "identity, x-gzip"}) {
        CAPTURE(list);
        CHECK(isCoded(list));
        CHECK(decode(list, gzip(text)) == text);
    }
    for (const std::string list : {"", " ", ",", "identity", "identity, identity", " , Identity ,"}) {
        CAPTURE(list);
        CHECK_FALSE(isCoded(list));
        CHECK(decode(list, text) == text);
    }
    for (const std::string list : {"gzip, gzip", "deflate, gzip", "identity, br", "br, gzip", "gzip, br", "gzip;q=1"}) {
        CAPTURE(list);
        CHECK(isCoded(list));
        CHECK(decode(list, gzip(text)) == otherCoding);
    }
}
