#include "page_loader.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "shop_program.hpp"

namespace asio = boost::asio;

namespace wix::test {

asio::awaitable<Page> PageLoader::load(std::string path, std::string cookie, std::string form) {
    std::string request = (form.empty() ? "GET " : "POST ") + path + " HTTP/1.1\r\nHost: localhost\r\n";
    if (!cookie.empty()) request += "Cookie: " + cookie + "\r\n";
    if (!form.empty()) request += "Content-Length: " + std::to_string(form.size()) + "\r\n";
    request += "\r\n" + form;
    Page page;
    const boost::system::error_code error = co_await exchange(std::move(request), page);
    if (error) page.status = 0;
    if (error || page.head.find("Connection: close") != std::string::npos) socket_.reset();
    co_return page;
}

asio::awaitable<boost::system::error_code> PageLoader::exchange(std::string request, Page& page) {
    boost::system::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    if (!socket_) {
        socket_.emplace(io_);
        const asio::ip::tcp::endpoint shop(asio::ip::address_v4::loopback(), port_);
        co_await socket_->async_connect(shop, token);
        if (error) co_return error;
    }
    co_await asio::async_write(*socket_, asio::buffer(request), token);
    if (error) co_return error;
    std::string bytes;
    const std::size_t head = co_await asio::async_read_until(*socket_, asio::dynamic_buffer(bytes), "\r\n\r\n", token);
    if (error) co_return error;
    page.head = bytes.substr(0, head);
    page.status = std::stoi(page.head.substr(9, 3));
    const std::size_t size = std::stoul("0" + between(page.head, "Content-Length: ", "\r\n"));
    page.body = bytes.substr(head);
    const std::size_t have = page.body.size();
    if (have < size) {
        page.body.resize(size);
        co_await asio::async_read(*socket_, asio::buffer(page.body.data() + have, size - have), token);
    }
    co_return error;
}

}  // namespace wix::test
