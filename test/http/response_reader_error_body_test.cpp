// Large bodies of error responses, where they are left out.
#include "http/response_cases.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::detail::test;

namespace {

/// 10 bytes of an error body, 100 of any other.
ResponseLimits limits() {
    ResponseLimits made(512, 100);
    made.errorBodyBytes = 10;
    return made;
}

const std::string error = "HTTP/1.1 503 No\r\n";
const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";

}  // namespace

TEST_CASE("an error body above its limit is left out, and its connection is not used again [C27]") {
    check({error + "Content-Length: 10\r\n\r\n0123456789", "reuse 503 Content-Length=10; <0123456789> +0"}, limits());
    check({error + "Content-Length: 11\r\n\r\n", "close 503 Content-Length=11; <> +0"}, limits());
    check({error + "Content-Length: 99999999999\r\nX: y\r\n\r\n", "close 503 Content-Length=99999999999;X=y; <> +0"},
          limits());
    check({error + chunked + "a\r\n0123456789\r\n0\r\n\r\n", "reuse 503 Transfer-Encoding=chunked; <0123456789> +0"},
          limits());
    check({error + "\r\n0123456789", "close 503  <0123456789> +0", End::clean}, limits());
    for (const char* status : {"300", "302", "400", "401", "404", "500", "599", "999"}) {
        CAPTURE(status);
        check({"HTTP/1.1 " + std::string(status) + " X\r\nContent-Length: 11\r\n\r\n",
               "close " + std::string(status) + " Content-Length=11; <> +0"},
              limits());
    }
}

TEST_CASE("an error body without a length is left out at the byte that is too many [C27]") {
    for (const std::string& bytes : {error + "\r\n01234567890", error + chunked + "b\r\n01234567890\r\n0\r\n\r\n",
                                     error + chunked + "a\r\n0123456789\r\n1\r\n0\r\n0\r\n\r\n"}) {
        CAPTURE(bytes);
        ResponseReader reader(limits());
        std::size_t taken = 0;
        for (const char& c : bytes) taken += reader.feed(&c, 1);
        reader.finishAtEof(true);
        REQUIRE(reader.state() == ResponseReader::State::done);
        CHECK(taken < bytes.size() + 1);
        CHECK_FALSE(reader.reusable());
        const HttpReply reply = reader.takeReply();
        CHECK(reply.status == 503);
        CHECK(reply.body.empty());
    }
}

TEST_CASE("a large error body is not read to its end [C27]") {
    ResponseReader reader(limits());
    const std::string head = error + "Content-Length: 90\r\n\r\n";
    CHECK(reader.feed(head.data(), head.size()) == head.size());
    CHECK(reader.state() == ResponseReader::State::done);
    const std::string body(90, 'x');
    CHECK(reader.feed(body.data(), body.size()) == 0);
    // The next response has nothing of this one.
    static_cast<void>(reader.takeReply());
    reader.reset(false);
    const std::string next = "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nhi";
    CHECK(reader.feed(next.data(), next.size()) == next.size());
    CHECK(reader.reusable());
    CHECK(reader.takeReply().body == "hi");
}

TEST_CASE("the limit of error bodies does not hold for other statuses, nor where it is not set [C27]") {
    check({ok + "Content-Length: 11\r\n\r\n01234567890", "reuse 200 Content-Length=11; <01234567890> +0"}, limits());
    check({ok + "Content-Length: 101\r\n\r\n", tooLarge("the body is larger than 100 bytes")}, limits());
    check({error + "Content-Length: 11\r\n\r\n01234567890", "reuse 503 Content-Length=11; <01234567890> +0"});
    check({error + "Content-Length: 101\r\n\r\n", tooLarge("the body is larger than 100 bytes")});
    check({error + "Content-Length: 500\r\n\r\n", "reuse 503 Content-Length=500; <> +0", End::open, true}, limits());
    ResponseReader parts(limits(), false, true);
    const std::string head = error + "Content-Length: 11\r\n\r\n";
    CHECK(parts.feed(head.data(), head.size()) == head.size());
    CHECK(parts.state() == ResponseReader::State::done);
    CHECK(parts.takeReply().status == 503);
}
