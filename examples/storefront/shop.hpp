// What the shop does for a request: asks the API as the visitor who sent it, and makes a page of the answer.
#ifndef STOREFRONT_SHOP_HPP
#define STOREFRONT_SHOP_HPP

#include <wix/client.hpp>
#include <wix/visitor_sessions.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "door.hpp"
#include "metrics.hpp"
#include "pages.hpp"
#include "server.hpp"

namespace storefront {

/// A request for a page, taken apart.
struct Call {
    Call(Visit who, std::string what) : visit(std::move(who)), argument(std::move(what)) {}
    Visit visit;
    std::string argument;                       ///< The last part of the path, if the route has one.
    std::map<std::string, std::string> fields;  ///< Of the form, or of the query.
};

class Shop {
public:
    /// `catalogue` is a visitor of the house: it reads what is the same for everybody, so that only who fills a cart
    /// becomes a visitor of Wix. (A place for a cache, too.)
    Shop(wix::VisitorSessions sessions, wix::Client catalogue, Door door, std::shared_ptr<Metrics> metrics,
         std::string publicUrl);

    /// Never throws: what fails becomes a page, and a line in the log with the same reference.
    asio::awaitable<Response> handle(Request request, bool draining, std::size_t connections);
    asio::awaitable<void> close();

private:
    struct Route;
    static const std::vector<Route>& routes();
    asio::awaitable<Response> answer(const Request& request, std::string_view path);

    asio::awaitable<Response> showGrid(Call call);
    asio::awaitable<Response> showProduct(Call call);
    asio::awaitable<Response> showCart(Call call);
    asio::awaitable<Response> showEvents(Call call);
    asio::awaitable<Response> showEvent(Call call);
    asio::awaitable<Response> showReservation(Call call);
    asio::awaitable<Response> addToCart(Call call);
    asio::awaitable<Response> changeLine(Call call);
    asio::awaitable<Response> removeLine(Call call);
    asio::awaitable<Response> checkOut(Call call);
    asio::awaitable<Response> reserve(Call call);
    asio::awaitable<Response> checkOutTickets(Call call);

    /// What is on every page of this visitor.
    asio::awaitable<Frame> frameOf(Visit visit);
    asio::awaitable<Response> goToWix(wix::Client client, boost::json::value intent);

    wix::VisitorSessions sessions_;
    wix::Client catalogue_;
    Door door_;
    std::shared_ptr<Metrics> metrics_;
    std::string publicUrl_;
    std::string run_ = randomHex(32);  // before the number of a reference, so that it tells one start from another
    std::uint64_t requests_ = 0;
};

}  // namespace storefront

#endif
