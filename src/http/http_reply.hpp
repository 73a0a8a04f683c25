// A whole HTTP answer, as it came.
#pragma once

#include <string>
#include <utility>

#include <wix/options.hpp>

namespace wix::detail {

struct HttpReply {
    HttpReply() = default;
    HttpReply(int statusCode, Headers fields, std::string content)
        : status(statusCode), headers(std::move(fields)), body(std::move(content)) {}

    int status = 0;
    Headers headers;   ///< Of the final answer, in its order; trailers are dropped.
    std::string body;  ///< Without transfer coding, with content coding.
};

}  // namespace wix::detail
