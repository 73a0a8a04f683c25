#include "http/response_cases.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::detail::test;
using namespace std::string_literals;

TEST_CASE("complete answers") {
    check({ok + "Content-Length: 2\r\n\r\nhi", "reuse 200 Content-Length=2; <hi> +0"});
    check({ok + "Content-Length: 0\r\n\r\n", "reuse 200 Content-Length=0; <> +0"});
    check({ok + "Content-Length: 2\r\n\r\nhi", "close 200 Content-Length=2; <hi> +0", End::clean});
    check({ok + "Content-Length: 3\r\n\r\n\0\r\n"s, "reuse 200 Content-Length=3; <\0\r\n> +0"s});
    check({"HTTP/1.1 404 \r\nA: b\r\nA: c\r\nX:\r\nY:  z \t\r\nContent-Length: 1\r\n\r\n!",
           "reuse 404 A=b;A=c;X=;Y=z;Content-Length=1; <!> +0"});
    check({"HTTP/1.1 299 \x80\xFF\r\ncontent-length:0\r\nV: \xC3\xA4\r\n\r\n",
           "reuse 299 content-length=0;V=\xC3\xA4; <> +0"});
    check({"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n", "reuse 999 Content-Length=0; <> +0"});
    check({ok + "Content-Length: 2, 2\r\n\r\nhi", "reuse 200 Content-Length=2, 2; <hi> +0"});
    check({ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
           "reuse 200 Content-Length=2;Content-Length=2; <hi> +0"});
}

TEST_CASE("chunked answers") {
    check({chunkedOk + "0\r\n\r\n", chunkedIs + "<> +0"});
    check({chunkedOk + "2\r\nhi\r\n0\r\n\r\n", chunkedIs + "<hi> +0"});
    check({chunkedOk + "1\r\nh\r\nA\r\n0123456789\r\n00\r\n\r\n", chunkedIs + "<h0123456789> +0"});
    check({chunkedOk + "0002;a=b;c=\"d\"\r\nhi\r\n0;x\r\n\r\n", chunkedIs + "<hi> +0"});
    check({ok + "transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n", "reuse 200 transfer-encoding=CHUNKED; <> +0"});
    // Trailers replace nothing.
    check({chunkedOk + "2\r\nhi\r\n0\r\nX-Wix-Consistent: evil\r\nB: c\r\n\r\n", chunkedIs + "<hi> +0"});
    check({chunkedOk + "2\r\n\r\n\r\n0\r\n\r\n", chunkedIs + "<\r\n> +0"});
}

TEST_CASE("answers without a body") {
    check({"HTTP/1.1 204 No\r\n\r\n", "reuse 204  <> +0"});
    check({"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", "reuse 204 Content-Length=0; <> +0"});
    check({"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", "reuse 304 Content-Length=5; <> +0"});
    check({ok + "Content-Length: 5\r\n\r\n", "reuse 200 Content-Length=5; <> +0", End::open, true});
    check({ok + "Content-Length: 500\r\n\r\n", "reuse 200 Content-Length=500; <> +0", End::open, true});
    check({chunkedOk, chunkedIs + "<> +0", End::open, true});
    check({ok + "\r\n", "reuse 200  <> +0", End::open, true});
    // A body where none may be: it is not read, and what it is followed by is not ours.
    check({"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nhi", "close 204 Content-Length=2; <> +2"});
    check({"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "close 204 Transfer-Encoding=chunked; <> +5"});
    check({ok + "Content-Length: 2\r\n\r\nhi", "reuse 200 Content-Length=2; <> +2", End::open, true});
}

TEST_CASE("bytes behind an answer are not taken") {
    check({ok + "Content-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n", "reuse 200 Content-Length=2; <hi> +17"});
    check({chunkedOk + "0\r\n\r\n\r\n", chunkedIs + "<> +2"});
    check({chunkedOk + "1\r\nx\r\n0\r\nA: b\r\n\r\nmore", chunkedIs + "<x> +4"});
    check({"HTTP/1.1 304 N\r\n\r\nX", "reuse 304  <> +1"});
}

TEST_CASE("the connection is not used again if either side says so") {
    check(
        {ok + "Connection: close\r\nContent-Length: 0\r\n\r\n", "close 200 Connection=close;Content-Length=0; <> +0"});
    check({ok + "Connection: foo, Close\r\nContent-Length: 0\r\n\r\n",
           "close 200 Connection=foo, Close;Content-Length=0; <> +0"});
    check({ok + "Connection: keep-alive\r\nContent-Length: 0\r\n\r\n",
           "reuse 200 Connection=keep-alive;Content-Length=0; <> +0"});
    check({"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "close 200 Content-Length=0; <> +0"});
    check({"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
           "close 200 Connection=keep-alive;Content-Length=0; <> +0"});
}

TEST_CASE("a body without a length ends with the connection, if that ends well") {
    check({ok + "\r\nhi", "body"});
    check({ok + "\r\nhi", "close 200  <hi> +0", End::clean});
    check({ok + "\r\n", "close 200  <> +0", End::clean});
    check({"HTTP/1.0 200 OK\r\n\r\nhi", "close 200  <hi> +0", End::clean});
    check({ok + "\r\nhi", truncated("a body without a length, and the connection broke"), End::broken});
    check({ok + "\r\n", truncated("a body without a length, and the connection broke"), End::broken});
    check({ok + "\r\n" + std::string(100, 'x'), "close 200  <" + std::string(100, 'x') + "> +0", End::clean});
    check({ok + "\r\n" + std::string(101, 'x'), tooLarge("the body is larger than 100 bytes"), End::clean});
}

TEST_CASE("an answer that ends early is no answer") {
    for (End end : {End::clean, End::broken}) {
        check({"", truncated("the connection was closed"), end});
        check({"H", truncated("ended within its head"), end});
        check({ok, truncated("ended within its head"), end});
        check({ok + "Content-Length: 2\r\n\r", truncated("ended within its head"), end});
        check({"HTTP/1.1 100 C\r\n\r\n", truncated("ended within its head"), end});
        check({ok + "Content-Length: 2\r\n\r\n", truncated("ended within its body"), end});
        check({ok + "Content-Length: 2\r\n\r\nh", truncated("ended within its body"), end});
        for (std::string rest :
             {"", "2", "2\r", "2\r\n", "2\r\nhi", "2\r\nhi\r", "2\r\nhi\r\n", "2\r\nhi\r\n0", "2\r\nhi\r\n0\r\n",
              "2\r\nhi\r\n0\r\n\r", "2\r\nhi\r\n0\r\nA: b", "2\r\nhi\r\n0\r\nA: b\r\n"})
            check({chunkedOk + rest, truncated("ended within its body"), end});
    }
}

TEST_CASE("interim answers are skipped, counted, and never final") {
    const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    const std::string final = ok + "Content-Length: 1\r\n\r\n!";
    check({"HTTP/1.1 100 Continue\r\n\r\n" + final, "reuse 200 Content-Length=1; <!> +0"});
    check({"HTTP/1.1 102 P\r\n\r\n" + interim + final, "reuse 200 Content-Length=1; <!> +0"});
    check({interim, "head"});
    std::string eight;
    for (int i = 0; i < 8; ++i) eight += "HTTP/1.1 100 C\r\n\r\n";
    check({eight + final, "reuse 200 Content-Length=1; <!> +0"});
    check({eight + "HTTP/1.1 100 C\r\n\r\n", tooLarge("too many interim answers")});
    // Their heads count against the same limit.
    const std::string big = "HTTP/1.1 103 E\r\nA: " + std::string(300, 'a') + "\r\n\r\n";
    check({big + big, tooLarge("the head is larger than 512 bytes")});
    check({"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
           invalid("switches to another protocol")});
    // An interim answer has no body, whatever it says.
    check({"HTTP/1.1 103 E\r\nContent-Length: 2\r\n\r\nhi" + final, invalid("does not begin with HTTP/1")});
}

TEST_CASE("memory of one answer does not get into the next") {
    ResponseReader reader(small);
    const auto all = [&reader](const std::string& bytes) {
        const std::size_t used = reader.feed(bytes.data(), bytes.size());
        return describe(reader, bytes.size() - used);
    };
    CHECK(!reader.sawAnyByte());
    CHECK(all(chunkedOk + "2\r\nhi\r\n0\r\n\r\n") == chunkedIs + "<hi> +0");
    CHECK(reader.sawAnyByte());
    reader.reset(true);
    CHECK(!reader.sawAnyByte());
    CHECK(reader.state() == ResponseReader::State::head);
    CHECK(!reader.reusable());
    CHECK(all(ok + "A: b\r\nContent-Length: 7\r\n\r\n") == "reuse 200 A=b;Content-Length=7; <> +0");
    reader.reset(false);
    CHECK(all("HTTP/1.1 500") == "head");
    reader.reset(false);
    CHECK(all("nonsense") == invalid("does not begin with HTTP/1"));
    CHECK(all("more") == invalid("does not begin with HTTP/1"));
    reader.finishAtEof(true);
    CHECK(reader.failure().code == Errc::response_invalid);
    reader.reset(false);
    CHECK(all(ok + "Content-Length: 1\r\n\r\nx") == "reuse 200 Content-Length=1; <x> +0");
}
