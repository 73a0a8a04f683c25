// An HTTP answer as a value.
#ifndef WIX_RESPONSE_HPP
#define WIX_RESPONSE_HPP

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <wix/options.hpp>

namespace wix {

/// What Client::fetch gives, whatever the status.
class WIX_EXPORT Response {
public:
    Response() = default;
    Response(int status, Headers headers, std::string body)
        : status_(status), headers_(std::move(headers)), body_(std::move(body)) {}

    int status() const noexcept { return status_; }
    /// True for 200 to 299.
    bool ok() const noexcept { return status_ >= 200 && status_ < 300; }
    /// The first field of that name, in any case; nothing if it is absent.
    std::optional<std::string_view> header(std::string_view name) const noexcept;
    const Headers& headers() const noexcept { return headers_; }
    /// The body, decoded unless the request has an `Accept-Encoding` of your own.
    const std::string& body() const noexcept { return body_; }
    /// `x-wix-request-id`, or empty.
    std::string_view requestId() const noexcept { return header("x-wix-request-id").value_or(std::string_view()); }
    /// Returns the body as JSON; null if it is empty.
    ///
    /// Invalid JSON is repaired once before it is refused: a byte order mark is skipped, bytes that are not UTF-8 and half
    /// of a surrogate pair (`"\ud83d"`, a text that was cut within an emoji) become U+FFFD.
    /// Throws Error with Errc::response_not_json, or Errc::response_too_large for more than 1 000 000 values or 128 levels.
    boost::json::value json() const;

private:
    int status_ = 0;
    Headers headers_;
    std::string body_;
};

}  // namespace wix

#endif
