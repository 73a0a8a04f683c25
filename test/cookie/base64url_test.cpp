#include "cookie/base64url.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <string>

using namespace wix::detail;

TEST_CASE("base64url of known texts") {  // RFC 4648 section 10, without padding, and the two characters that differ
    const std::pair<std::string, std::string> known[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF\xFE", "-__-"}};
    for (const auto& [bytes, text] : known) {
        CHECK(toBase64url(bytes) == text);
        CHECK(fromBase64url(text) == bytes);
    }
}

TEST_CASE("what is not exactly what was written is refused") {
    for (const char* text : {"Z", "Zm9vY", "Zg==", "Zm8=", "Zg=", "Zm9v\n", " Zm9v", "Zm 9v", "+//+", "Zm9v.", "Zm\0v",
                             "Zh", "Zi", "Zv", "Zm9", "Zm-", "\xC3\xA4zz"}) {
        CAPTURE(text);
        CHECK_FALSE(fromBase64url(text));
    }
    CHECK_FALSE(fromBase64url(std::string("Zm\0v", 4)));
}

TEST_CASE("all bytes come back, and no two texts stand for the same bytes") {
    std::mt19937 random(7);
    for (std::size_t size = 0; size < 70; ++size) {
        std::string bytes(size, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        const std::string text = toBase64url(bytes);
        REQUIRE(fromBase64url(text) == bytes);
        if (text.empty()) continue;
        std::set<std::string> seen{bytes};
        for (int c = 0; c < 256; ++c) {
            std::string other = text;
            other.back() = static_cast<char>(c);
            if (other == text) continue;
            const auto decoded = fromBase64url(other);
            if (decoded) CHECK(seen.insert(*decoded).second);
        }
    }
}
