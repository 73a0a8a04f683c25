// Bodies of API answers: Wix's errors in their forms, and JSON in general.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <string>

#include <wix/response.hpp>

#include "base/lenient_json.hpp"
#include "call/api_error.hpp"
#include "fuzz/fuzz.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::fuzz;

namespace {

/// Wix's own words may be in it; whatever they are, it is one line of a log.
void requireOneLine(std::string_view text) {
    require(std::none_of(text.begin(), text.end(),
                         [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }),
            "a text has no control character");
    require(text.size() <= 4096, "a text has an upper bound");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const int status = 400 + static_cast<int>(input.number());
    const std::string requestId(input.line());
    const std::string body(input.rest());

    const ApiErrorBody error = readApiError(status, body, requestId);
    require(error.status == status && error.requestId == requestId, "status and request id are the answer's");
    const ApiError thrown("GET https://www.wixapis.com/a", error);
    requireOneLine(thrown.what());
    require(thrown.code() == error.code && thrown.description() == error.description, "the parts are as they came");
    require(thrown.fieldViolations().size() <= body.size() / 3 + 1, "as many violations as were written");
    const bool expired = meansExpiredToken(status, body);
    require(status != 401 || expired, "a 401 is about the token");

    const std::string repaired = repairJson(body);
    // One byte order mark is ignored. A second one stays, and is no JSON.
    require(repaired.starts_with("\xEF\xBB\xBF") || repairJson(repaired) == repaired, "one repair is enough");
    require(repaired.size() <= 3 * body.size(), "a byte becomes three at most");
    boost::system::error_code invalid;
    boost::json::parse(body, invalid);
    if (!invalid) require(repaired == body, "valid JSON needs no repair");

    const Response response(status, {{"X-Wix-Request-Id", requestId}}, withCanary(body, 0));
    try {
        static_cast<void>(response.json());
    } catch (const Error& refused) {
        require(refused.code() == Errc::response_not_json || refused.code() == Errc::response_too_large,
                "what is not JSON, or too deep, has its code");
        requireHarmless(refused.failure());
    }
    try {
        const Response plain(status, {}, body);
        const boost::json::value value = plain.json();
        // Numbers of many digits do not come back to the last one.
        const Response again(status, {}, boost::json::serialize(value));
        require(again.json().kind() == value.kind(), "JSON reads as written");
    } catch (const Error& refused) {
        require(refused.code() == Errc::response_not_json || refused.code() == Errc::response_too_large,
                "what is not JSON, or too deep, has its code");
    }
    return 0;
}
