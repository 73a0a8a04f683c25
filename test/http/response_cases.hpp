// How the tests of the response reader feed it, and how they write down what came out.
#pragma once

#include "http/response_reader.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace wix::detail::test {

enum class End { open, clean, broken };

struct Case {
    Case(std::string input, std::string outcome, End how = End::open, bool head = false)
        : bytes(std::move(input)), expected(std::move(outcome)), end(how), answerToHead(head) {}
    std::string bytes;
    std::string expected;
    End end;
    bool answerToHead;
};

inline const ResponseLimits small(512, 100);

inline std::string describe(ResponseReader& reader, std::size_t left) {
    switch (reader.state()) {
        case ResponseReader::State::head:
            return "head";
        case ResponseReader::State::body:
            return "body";
        case ResponseReader::State::failed:
            return std::string(reader.failure().code == Errc::response_invalid     ? "invalid: "
                               : reader.failure().code == Errc::response_truncated ? "truncated: "
                               : reader.failure().code == Errc::response_too_large ? "too large: "
                                                                                   : "?") +
                   reader.failure().context;
        case ResponseReader::State::done:
            break;
    }
    std::string text = reader.reusable() ? "reuse " : "close ";
    const HttpReply reply = reader.takeReply();
    text += std::to_string(reply.status) + " ";
    for (const auto& [name, value] : reply.headers) text += name + "=" + value + ";";
    return text + " <" + reply.body + "> +" + std::to_string(left);
}

inline std::string feedIn(const Case& c, const std::vector<std::size_t>& cuts, const ResponseLimits& limits) {
    ResponseReader reader(limits, c.answerToHead);
    std::size_t taken = 0, begin = 0;
    for (std::size_t i = 0; i <= cuts.size(); ++i) {
        const std::size_t end = i < cuts.size() ? cuts[i] : c.bytes.size();
        // A copy of its own: a read past the end is then seen by a sanitizer.
        const std::vector<char> part(c.bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                                     c.bytes.begin() + static_cast<std::ptrdiff_t>(end));
        const std::size_t used = reader.feed(part.data(), part.size());
        taken += used;
        begin = end;
        if (used < part.size()) break;
    }
    if (c.end != End::open) reader.finishAtEof(c.end == End::clean);
    return describe(reader, c.bytes.size() - taken);
}

/// Whole, byte by byte, and cut at each place: always the same.
inline void check(const Case& c, const ResponseLimits& limits = small) {
    CAPTURE(c.bytes);
    CHECK(feedIn(c, {}, limits) == c.expected);
    std::vector<std::size_t> all;
    for (std::size_t i = 1; i < c.bytes.size(); ++i) all.push_back(i);
    CHECK(feedIn(c, all, limits) == c.expected);
    for (std::size_t i = 1; i < c.bytes.size(); ++i) {
        const std::string outcome = feedIn(c, {i}, limits);
        if (outcome == c.expected) continue;
        CAPTURE(i);
        CHECK(outcome == c.expected);
        break;
    }
}

inline const std::string ok = "HTTP/1.1 200 OK\r\n";
inline const std::string chunkedOk = ok + "Transfer-Encoding: chunked\r\n\r\n";
inline const std::string chunkedIs = "reuse 200 Transfer-Encoding=chunked; ";

inline std::string invalid(const std::string& why) { return "invalid: HTTP answer: " + why; }
inline std::string tooLarge(const std::string& why) { return "too large: HTTP answer: " + why; }
inline std::string truncated(const std::string& why) { return "truncated: HTTP answer: " + why; }

}  // namespace wix::detail::test
