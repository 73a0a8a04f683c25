// Compiled against the clock: the same coroutine with only what it needs of Boost, and a client that is declared here.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include <string>

namespace asio = boost::asio;
namespace json = boost::json;

class Client {
public:
    explicit Client(asio::any_io_executor executor);
    asio::awaitable<json::value> post(std::string path, json::value body) const;
};

asio::awaitable<std::string> firstProduct(Client client) {
    json::object body;
    body["query"] = json::object();
    const json::value found = co_await client.post("/stores-reader/v1/products/query", std::move(body));
    co_return std::string(found.at("products").at(0).at("name").as_string());
}
