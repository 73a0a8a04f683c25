// Answers, and the reading of what browsers send.
#ifndef STOREFRONT_REPLIES_HPP
#define STOREFRONT_REPLIES_HPP

#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "server.hpp"

namespace storefront {

/// Thrown by a handler for what the browser has done wrong.
class Refusal : public std::runtime_error {
public:
    Refusal(http::status code, const std::string& message) : std::runtime_error(message), status(code) {}
    http::status status;
};

Response htmlReply(std::string page, http::status status = http::status::ok);
Response textReply(std::string text, http::status status = http::status::ok);
/// After a form: the browser gets the page with GET, so that loading it again repeats nothing.
Response seeOther(std::string_view where);
/// A friendly page for a failure. Why goes to the log, under `reference`.
Response failurePage(std::exception_ptr failure, const std::string& reference, const std::string& request);

/// The fields of a form, or of a query. Throws Refusal.
std::map<std::string, std::string> parseFields(std::string_view text);

/// An id or a slug, as it may go into a path of the API. Throws Refusal.
std::string idFrom(const std::map<std::string, std::string>& fields, const std::string& name);
std::string checkedId(std::string text);
/// 1 to 99. Throws Refusal.
int quantityFrom(const std::map<std::string, std::string>& fields);

}  // namespace storefront

#endif
