#include "sessions/session_key.hpp"

namespace wix::detail {

std::optional<Failure> checkVisitorKey(std::string_view key) {
    if (!key.empty() && key.size() <= 512) return std::nullopt;
    return Failure(Errc::invalid_argument, "VisitorSessions::open(key): the key must have 1 to 512 bytes");
}

std::string storageKeyOf(std::string_view key) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    text.reserve(key.size());
    for (const char c : key) {
        if (c > ' ' && c <= '~' && c != '%') {
            text.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        text.push_back('%');
        text.push_back(digits[byte / 16]);
        text.push_back(digits[byte % 16]);
    }
    return text;
}

}  // namespace wix::detail
