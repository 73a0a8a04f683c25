// Wix's error bodies, and the way a handler refuses a request with one.
#ifndef WIX_TESTING_WIX_ERROR_HPP
#define WIX_TESTING_WIX_ERROR_HPP

#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "testing/http_message.hpp"

namespace wix::testing::detail {

/// Thrown by handlers; the site answers with what it carries.
class Refusal {
public:
    explicit Refusal(HttpReply reply) : reply_(std::move(reply)) {}
    const HttpReply& reply() const noexcept { return reply_; }

private:
    HttpReply reply_;
};

/// `{"message","details":{"applicationError":{"code","description","data"}}}`
HttpReply applicationError(int status, std::string_view code, std::string_view description);

/// A `validationError` of one field.
HttpReply validationError(std::string_view field, std::string_view description, std::string_view rule);

/// Collects what is wrong with a request, to refuse it with all of it.
class Violations {
public:
    void add(std::string field, std::string description, std::string rule);
    /// Adds MIN or MAX if `value` is outside.
    void checkRange(std::string field, std::int64_t value, std::int64_t min, std::int64_t max);
    /// Throws Refusal with status 400 if there is any.
    void refuseIfAny() const;

private:
    boost::json::array found_;
};

// Members of a request. Absent and null are the same; a wrong type is a violation of `path` + name.

/// Throws Refusal if the body is neither empty nor a JSON object. An empty one is `{}`.
boost::json::object parseBody(std::string_view body);
/// nullptr if absent. Throws Refusal for a wrong type; `path` is a prefix such as `query.`.
const boost::json::object* objectAt(const boost::json::object& in, std::string_view name, std::string_view path = "");
const boost::json::array* arrayAt(const boost::json::object& in, std::string_view name, std::string_view path = "");
std::string stringAt(const boost::json::object& in, std::string_view name, std::string_view path = "");
bool boolAt(const boost::json::object& in, std::string_view name);
/// A whole number, or a string of one as Wix writes int64.
std::int64_t integerAt(const boost::json::object& in, std::string_view name, std::int64_t otherwise,
                       std::string_view path = "");

}  // namespace wix::testing::detail

#endif
