// HTML that cannot forget to escape: what is no literal is text.
#ifndef STOREFRONT_HTML_HPP
#define STOREFRONT_HTML_HPP

#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace storefront {

class Html {
public:
    /// A literal is markup.
    template <std::size_t N>
    Html& operator<<(const char (&markup)[N]) {
        out_.append(markup, N - 1);
        return *this;
    }
    Html& operator<<(const Html& part) {
        out_ += part.out_;
        return *this;
    }
    Html& operator<<(std::int64_t number) {
        out_ += std::to_string(number);
        return *this;
    }
    /// Anything else is text, also within a quoted attribute.
    Html& operator<<(std::string_view text) {
        for (const char c : text) {
            switch (c) {
                case '&':
                    out_ += "&amp;";
                    break;
                case '<':
                    out_ += "&lt;";
                    break;
                case '>':
                    out_ += "&gt;";
                    break;
                case '"':
                    out_ += "&quot;";
                    break;
                case '\'':
                    out_ += "&#39;";
                    break;
                default:
                    out_ += c;
            }
        }
        return *this;
    }
    Html& operator<<(const std::string& text) { return *this << std::string_view(text); }

    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

/// What is at a JSON pointer; null if there is nothing. What an API will answer tomorrow is not for a page to trust.
inline const boost::json::value& at(const boost::json::value& in, std::string_view pointer) {
    static const boost::json::value nothing;
    boost::system::error_code error;
    const boost::json::value* found = in.find_pointer(pointer, error);
    return found != nullptr ? *found : nothing;
}

inline std::string_view text(const boost::json::value& in, std::string_view pointer) {
    const boost::json::string* found = at(in, pointer).if_string();
    return found != nullptr ? std::string_view(*found) : std::string_view();
}

inline std::int64_t number(const boost::json::value& in, std::string_view pointer) {
    const std::int64_t* found = at(in, pointer).if_int64();
    return found != nullptr ? *found : 0;
}

inline bool isTrue(const boost::json::value& in, std::string_view pointer) {
    const bool* found = at(in, pointer).if_bool();
    return found != nullptr && *found;
}

inline const boost::json::array& list(const boost::json::value& in, std::string_view pointer) {
    static const boost::json::array none;
    const boost::json::array* found = at(in, pointer).if_array();
    return found != nullptr ? *found : none;
}

}  // namespace storefront

#endif
