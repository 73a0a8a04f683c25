// A request and an answer as the fake's rooms see them: no sockets, no Beast.
#ifndef WIX_TESTING_HTTP_MESSAGE_HPP
#define WIX_TESTING_HTTP_MESSAGE_HPP

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wix::testing::detail {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

bool equalsIgnoringCase(std::string_view a, std::string_view b) noexcept;

/// The value of the first field with this name; empty if there is none.
std::string_view findHeader(const HeaderList& headers, std::string_view name) noexcept;

struct HttpRequest {
    HttpRequest() = default;
    HttpRequest(std::string method, std::string target, HeaderList headers, std::string body);

    std::string_view header(std::string_view name) const noexcept { return findHeader(headers, name); }
    /// The first query parameter with this name.
    std::optional<std::string> parameter(std::string_view name) const;
    /// All query parameters with this name.
    std::vector<std::string> parameters(std::string_view name) const;

    std::string method;
    std::string target;
    std::string path;  ///< Percent-decoded, without the query.
    HeaderList query;  ///< Percent-decoded.
    HeaderList headers;
    std::string body;
};

struct HttpReply {
    HttpReply() = default;
    HttpReply(int status, const boost::json::value& body);

    int status = 200;
    HeaderList headers;
    std::string body;
    bool exact = false;  ///< Dictated by a test: not to be compressed.
};

/// `application/x-www-form-urlencoded` text, also the query of a URL.
HeaderList parseForm(std::string_view text);

/// The answer in HTTP/1.1 and where its body begins.
struct WireReply {
    WireReply() = default;
    std::string text;
    std::size_t bodyAt = 0;
};
WireReply toWire(const HttpReply& reply, bool keepAlive);

}  // namespace wix::testing::detail

#endif
