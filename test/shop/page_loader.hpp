// Loads pages in coroutines: one connection, opened again if the shop has closed it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace wix::test {

struct Page {
    Page() = default;
    int status = 0;  ///< 0: the connection ended before the answer was complete.
    std::string head;
    std::string body;
};

class PageLoader {
public:
    PageLoader(boost::asio::io_context& io, std::uint16_t port) : io_(io), port_(port) {}

    /// `form` is empty for GET.
    boost::asio::awaitable<Page> load(std::string path, std::string cookie, std::string form);

private:
    boost::asio::awaitable<boost::system::error_code> exchange(std::string request, Page& page);

    boost::asio::io_context& io_;
    std::uint16_t port_;
    std::optional<boost::asio::ip::tcp::socket> socket_;
};

}  // namespace wix::test
