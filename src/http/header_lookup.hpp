// Finding a header field.
#pragma once

#include <optional>
#include <string_view>

#include <wix/options.hpp>

#include "http/header_rules.hpp"

namespace wix::detail {

/// The first field of that name, in any case. A view into `headers`.
inline std::optional<std::string_view> findHeader(const Headers& headers, std::string_view name) noexcept {
    for (const Header& field : headers)
        if (equalsIgnoreCase(field.first, name)) return field.second;
    return std::nullopt;
}

}  // namespace wix::detail
