// The JSON of requests and responses.
#include <wix/error.hpp>
#include <wix/request.hpp>
#include <wix/response.hpp>

#include <boost/json/serialize.hpp>

#include "base/lenient_json.hpp"
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
    detail::JsonBody parsed = detail::parseJsonBody(body_);
    if (parsed.problem == detail::JsonProblem::none) return std::move(parsed.value);
    std::string what = "HTTP " + std::to_string(status_) + " with a body of " + std::to_string(body_.size()) + " bytes";
    Errc code = Errc::response_too_large;
    if (parsed.problem == detail::JsonProblem::tooManyValues)
        what += " and more than " + std::to_string(detail::maxJsonValues) + " JSON values, a fixed limit";
    else if (parsed.problem == detail::JsonProblem::tooDeep)
        what += " that nests JSON deeper than " + std::to_string(detail::maxJsonDepth) + " levels, a fixed limit";
    else
        code = Errc::response_not_json;
    Failure failure(code, std::move(what));
    failure.requestId = std::string(requestId());
    throw Error(std::move(failure));
}

}  // namespace wix
