// Compiled against the clock: a user's file, one coroutine that makes a call.
#include <wix/wix.hpp>

#include <string>

namespace asio = boost::asio;
namespace json = boost::json;

asio::awaitable<std::string> firstProduct(wix::Client client) {
    json::object body;
    body["query"] = json::object();
    const json::value found = co_await client.post("/stores-reader/v1/products/query", std::move(body));
    co_return std::string(found.at("products").at(0).at("name").as_string());
}
