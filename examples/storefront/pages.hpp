// The pages, and what their forms do, each for one call of a browser.
#pragma once

#include <wix/wix.hpp>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <optional>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

/// What the browser has done wrong.
struct Refusal : std::runtime_error {
    Refusal(http::status code, const std::string& message) : std::runtime_error(message), status(code) {}
    http::status status;
};

struct Call {
    explicit Call(wix::Client visitorOfTheShop) : house(std::move(visitorOfTheShop)) {}
    /// A field of the form, or of the query; empty if there is none.
    std::string field(std::string_view name) const;

    wix::Client house;                  ///< Reads what is the same for all: who only looks is no visitor of Wix.
    std::optional<wix::Client> client;  ///< The visitor's. None for a newcomer, who has no form of ours yet.
    std::string id;                     ///< The last part of the path, if the route has one.
    std::string fields;                 ///< As they were sent.
    std::string csrf;                   ///< Goes into every form.
    std::string publicUrl;              ///< What browsers call the shop.
};

struct Route {
    http::verb method;
    std::string_view path;  ///< One that ends in `/` goes on with an id.
    asio::awaitable<Response> (*run)(Call&);
};

const Route& routeOf(std::string_view path);
/// An id or a slug, as it may go into a path of the API.
std::string checkedId(std::string_view id);
Response reply(std::string body, http::status status = http::status::ok, std::string_view type = "text/html");
Response apology(const Call& call, http::status status, boost::json::value why);
