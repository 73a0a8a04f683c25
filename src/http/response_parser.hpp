// Beast's parser, for response_reader.cpp alone: nothing else may pay for this include.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>

#include "http/header_rules.hpp"
#include "http/http_reply.hpp"
#include "http/response_reader.hpp"

namespace wix::detail {

namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;

/// Writes into a reply what Beast's parser finds, and refuses what Beast lets pass. One for each head.
class ResponseParser final : public http::basic_parser<false> {
public:
    ResponseParser(HttpReply& reply, const ResponseLimits& limits, bool answerToHead) : reply_(reply) {
        skip(answerToHead);
        eager(false);  // one step at a time, so that each is counted
        body_limit(limits.bodyBytes);
        header_limit(std::numeric_limits<std::uint32_t>::max());  // it sees a head only when that is complete
    }

    bool inChunkLine() const noexcept { return chunkLine_; }
    /// False if the server may send, or expect, something else than we do next.
    bool framingIsCertain() const noexcept {
        if (http10_) return false;
        return reply_.status != 204 || !(transferEncoding_ || content_length().value_or(0) > 0);
    }
    const char* refusal() const noexcept { return refusal_; }

private:
    void on_request_impl(http::verb, boost::beast::string_view, boost::beast::string_view, int, ErrorCode&) override {}

    void on_response_impl(int code, boost::beast::string_view, int version, ErrorCode& ec) override {
        reply_.status = code;
        http10_ = version < 11;
        if (code < 100) refuse("a status below 100", ec);
    }

    void on_field_impl(http::field field, boost::beast::string_view name, boost::beast::string_view value,
                       ErrorCode& ec) override {
        if (headDone_) return;  // trailers: nothing in them may replace a header
        if (field == http::field::transfer_encoding) {
            transferEncoding_ = true;
            if (!equalsIgnoreCase({value.data(), value.size()}, "chunked"))
                return refuse("a transfer coding other than chunked", ec);
            if (http10_) return refuse("a transfer coding in HTTP/1.0", ec);
        }
        reply_.headers.emplace_back(std::piecewise_construct, std::forward_as_tuple(name.data(), name.size()),
                                    std::forward_as_tuple(value.data(), value.size()));
    }

    void on_header_impl(ErrorCode&) override {
        headDone_ = true;
        chunkLine_ = chunked();
    }

    void on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCode&) override {
        // A claim alone gets little memory.
        if (length) reply_.body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, 256u << 10)));
    }

    std::size_t on_body_impl(boost::beast::string_view part, ErrorCode&) override {
        reply_.body.append(part.data(), part.size());
        return part.size();
    }

    void on_chunk_header_impl(std::uint64_t size, boost::beast::string_view, ErrorCode&) override {
        chunkLine_ = size == 0;
    }

    std::size_t on_chunk_body_impl(std::uint64_t remain, boost::beast::string_view part, ErrorCode&) override {
        reply_.body.append(part.data(), part.size());
        chunkLine_ = part.size() == remain;
        return part.size();
    }

    void on_finish_impl(ErrorCode&) override {}

    void refuse(const char* why, ErrorCode& ec) {
        refusal_ = why;
        ec = http::error::bad_value;
    }

    HttpReply& reply_;
    const char* refusal_ = nullptr;
    bool http10_ = false;
    bool headDone_ = false;
    bool transferEncoding_ = false;
    bool chunkLine_ = false;
};

}  // namespace wix::detail
