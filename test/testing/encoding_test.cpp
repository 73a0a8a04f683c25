#include <doctest/doctest.h>

#include "testing/encoding.hpp"

using namespace wix::testing::detail;

TEST_CASE("base64url is that of RFC 4648 without padding") {
    struct Row {
        std::string_view bytes;
        std::string_view text;
    };
    const Row rows[] = {{"", ""},
                        {"f", "Zg"},
                        {"fo", "Zm8"},
                        {"foo", "Zm9v"},
                        {"foob", "Zm9vYg"},
                        {"foobar", "Zm9vYmFy"},
                        {"\xfb\xff\xfe", "-__-"}};
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(base64UrlEncode(row.bytes) == row.text);
        CHECK(base64UrlDecode(row.text) == row.bytes);
    }
    CHECK(base64UrlDecode("Zg==") == "f");
    CHECK_FALSE(base64UrlDecode("Z"));
    CHECK_FALSE(base64UrlDecode("Zm9+"));
    CHECK_FALSE(base64UrlDecode("Zm 9"));
}

TEST_CASE("percent escapes") {
    CHECK(percentDecode("a%20b%2Fc", PlusSign::kept) == "a b/c");
    CHECK(percentDecode("a+b", PlusSign::kept) == "a+b");
    CHECK(percentDecode("a+b", PlusSign::space) == "a b");
    CHECK(percentDecode("100%", PlusSign::kept) == "100%");
    CHECK(percentDecode("%4", PlusSign::kept) == "%4");
    CHECK(percentDecode("%zz%41", PlusSign::kept) == "%zzA");
    CHECK(percentEncode("a b/\xc3\xa9~") == "a%20b%2f%c3%a9~");
}

TEST_CASE("times") {
    const Time time{std::chrono::milliseconds(1'767'323'045'006)};
    CHECK(formatTime(time) == "2026-01-02T03:04:05.006Z");
    CHECK(formatHttpDate(time) == "Fri, 02 Jan 2026 03:04:05 GMT");
}

TEST_CASE("GUIDs are of version 4, valid and repeatable") {
    GuidSource source(7);
    GuidSource same(7);
    GuidSource other(8);
    const std::string first = source.next();
    CHECK(isGuid(first));
    CHECK(first[14] == '4');
    CHECK(first == same.next());
    CHECK(first != other.next());
    CHECK(first != source.next());
    CHECK_FALSE(isGuid("your-client-id"));
    CHECK_FALSE(isGuid("11111111-2222-3333-4444-55555555555g"));
    CHECK_FALSE(isGuid("11111111-2222-3333-44444-5555555555"));
}
