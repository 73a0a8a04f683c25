// Takes an absolute URL apart, strictly. Pure.
#pragma once

#include <string_view>

#include "http/url.hpp"

namespace wix::detail {

/// What an absolute URL is made of, or null and why it is none.
struct SplitUrl {
    SplitUrl() = default;
    Origin origin;
    std::string_view target;  // path and query, of the text that was split
    bool loopback = false;
    const char* flaw = nullptr;
};

/// `text` has been looked at for characters that belong into no URL.
SplitUrl splitUrl(std::string_view text);

}  // namespace wix::detail
