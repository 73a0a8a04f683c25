// Finding a header field.
#pragma once

#include <optional>
#include <string>
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

/// The value of a header whose value is a list. The lines of that name are one list, in their order (RFC 9110 5.3).
inline std::optional<std::string> findListHeader(const Headers& headers, std::string_view name) {
    std::optional<std::string> list;
    for (const Header& field : headers) {
        if (!equalsIgnoreCase(field.first, name)) continue;
        if (list)
            list->append(", ").append(field.second);
        else
            list.emplace(field.second);
    }
    return list;
}

}  // namespace wix::detail
