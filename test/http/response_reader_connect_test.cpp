// The response to CONNECT: its framing headers mean nothing if there is a tunnel.
#include "http/response_cases.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::detail::test;

namespace {

/// What the reader makes of `bytes`, whole and byte by byte: both must be the same.
std::string connectOutcome(const std::string& bytes) {
    ResponseReader whole{ResponseLimits()};
    whole.resetForConnect(small);
    const std::size_t used = whole.feed(bytes.data(), bytes.size());
    const std::string outcome = describe(whole, bytes.size() - used);
    ResponseReader pieces{ResponseLimits()};
    pieces.resetForConnect(small);
    std::size_t taken = 0;
    while (taken < bytes.size() && pieces.feed(bytes.data() + taken, 1) == 1) ++taken;
    CHECK(describe(pieces, bytes.size() - taken) == outcome);
    return outcome;
}

const std::vector<std::string> framings = {
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "TRANSFER-ENCODING:chunked\r\n",
    "Transfer-Encoding:\r\n",
    "Content-Length: 5\r\n",
    "content-length: many\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 1\r\nContent-Length: 2\r\n",
    "Content-Length: 99999999999999999999999\r\n",
    "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
};

}  // namespace

TEST_CASE("the framing headers of a 2xx response to CONNECT are ignored [C12]") {
    for (const std::string& framing : framings) {
        CAPTURE(framing);
        CHECK(connectOutcome("HTTP/1.1 200 OK\r\n" + framing + "\r\n") == "reuse 200  <> +0");
        CHECK(connectOutcome("HTTP/1.1 200 OK\r\nA: b\r\n" + framing + "C: d\r\n\r\n") == "reuse 200 A=b;C=d; <> +0");
        CHECK(connectOutcome("HTTP/1.1 299 OK\r\n" + framing + "\r\n") == "reuse 299  <> +0");
        CHECK(connectOutcome("HTTP/1.0 200 Established\r\n" + framing + "\r\n").starts_with("close 200  <> +0"));
        CHECK(connectOutcome("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" + framing + "\r\n") ==
              "reuse 200  <> +0");
    }
}

TEST_CASE("a 2xx response to CONNECT has no body: the bytes after its head are left over [C12]") {
    CHECK(connectOutcome("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") == "reuse 200  <> +5");
    CHECK(connectOutcome("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == "reuse 200  <> +5");
}

TEST_CASE("other responses to CONNECT keep their framing headers [C12]") {
    CHECK(connectOutcome("HTTP/1.1 407 No\r\nContent-Length: 4\r\n\r\nwho?") == "reuse 407 Content-Length=4; <> +4");
    CHECK(connectOutcome("HTTP/1.1 502 No\r\nTransfer-Encoding: identity\r\n\r\n").starts_with("invalid: "));
    CHECK(connectOutcome("HTTP/1.1 302 No\r\nContent-Length: many\r\n\r\n").starts_with("invalid: "));
}

TEST_CASE("what is malformed in a response to CONNECT stays refused [C12]") {
    for (const char* head : {"HTTP/1.1 200 OK\r\nTransfer-Encoding : identity\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n folded\r\n\r\n",
                             "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n", "HTTP/1.1 2 OK\r\nContent-Length: 5\r\n\r\n",
                             "HTTP/1.1  200 OK\r\nContent-Length: 5\r\n\r\n", "200 OK\r\n\r\n"}) {
        CAPTURE(head);
        CHECK(connectOutcome(head).starts_with("invalid: "));
    }
}

TEST_CASE("the next response of the same reader has its framing headers again [C12]") {
    ResponseReader reader{ResponseLimits()};
    reader.resetForConnect(small);
    const std::string tunnel = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    CHECK(reader.feed(tunnel.data(), tunnel.size()) == tunnel.size());
    reader.reset(small, false, false);
    const std::string next = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    CHECK(reader.feed(next.data(), next.size()) == next.size());
    CHECK(describe(reader, 0) == "reuse 200 Content-Length=2; <hi> +0");
}

TEST_CASE("a complete head is told apart from bytes without one [C24]") {
    struct Seen {
        std::string bytes;
        bool head;
    };
    for (const Seen& one :
         {Seen{"", false}, Seen{"extra", false}, Seen{"\r\n", false}, Seen{"HTTP/1.1 200 OK\r\n", false},
          Seen{"HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\n\r\n", false}, Seen{"HTTP/1.1 200 OK\r\n\r\n", true},
          Seen{"HTTP/1.1 103 Early\r\n\r\nextra", true},
          Seen{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nextra", true}}) {
        CAPTURE(one.bytes);
        ResponseReader reader(small);
        reader.feed(one.bytes.data(), one.bytes.size());
        CHECK(reader.sawHead() == one.head);
        reader.reset(false);
        CHECK_FALSE(reader.sawHead());
    }
}
