// Linked statically and stripped, to be weighed: a client, its tokens, one call.
#include <wix/wix.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <string>

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

asio::awaitable<void> visit(wix::Client client) {
    json::object body;
    body["query"] = json::object();
    const json::value found = co_await client.post("/stores-reader/v1/products/query", std::move(body));
    std::printf("%s\n", std::string(found.at("products").at(0).at("name").as_string()).c_str());
}

}  // namespace

int main(int count, char** values) {
    if (count < 2) return 2;
    try {
        asio::io_context io;
        asio::co_spawn(io, visit(wix::Client(io.get_executor(), wix::OAuthStrategy(values[1]))), wix::rethrow);
        io.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
