// The JSON of requests and responses.
#include <wix/error.hpp>
#include <wix/request.hpp>
#include <wix/response.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "http/header_lookup.hpp"

namespace wix {

Request& Request::json(const boost::json::value& value) {
    return body(boost::json::serialize(value), "application/json");
}

std::optional<std::string_view> Response::header(std::string_view name) const noexcept {
    return detail::findHeader(headers_, name);
}

boost::json::value Response::json() const {
    if (body_.empty()) return nullptr;
    boost::system::error_code ec;
    boost::json::parse_options options;
    options.max_depth = 128;  // rich text nests deeper than the default of 32
    boost::json::value parsed = boost::json::parse(body_, ec, {}, options);
    if (!ec) return parsed;
    Failure failure(Errc::response_not_json,
                    "HTTP " + std::to_string(status_) + " with a body of " + std::to_string(body_.size()) + " bytes");
    failure.requestId = std::string(requestId());
    throw Error(std::move(failure));
}

}  // namespace wix
