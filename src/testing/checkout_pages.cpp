#include "testing/checkout_pages.hpp"

#include <algorithm>
#include <string>

namespace wix::testing::detail {

namespace {

std::string escaped(std::string_view text) {
    std::string made;
    for (const char c : text) {
        switch (c) {
            case '&':
                made += "&amp;";
                break;
            case '<':
                made += "&lt;";
                break;
            case '>':
                made += "&gt;";
                break;
            case '"':
                made += "&quot;";
                break;
            case '\'':
                made += "&#39;";
                break;
            default:
                made += c;
        }
    }
    return made;
}

HttpReply page(int status, const std::string& title, const std::string& content) {
    HttpReply reply;
    reply.status = status;
    reply.headers.emplace_back("Content-Type", "text/html; charset=utf-8");
    reply.headers.emplace_back("Cache-Control", "no-store");
    reply.headers.emplace_back("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    reply.body = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + title +
                 "</title><meta name=\"viewport\" content=\"width=device-width\">"
                 "<style>body{font:1rem sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}"
                 "td{padding:.2rem 1rem .2rem 0}a{margin-right:1rem}</style></head><body><h1>" +
                 title + "</h1>" + content + "</body></html>";
    return reply;
}

/// A link to a callback of the redirect session; empty if it has none that a browser may follow.
std::string link(const HttpRequest& request, std::string_view callback, std::string_view text) {
    const std::string url = request.parameter(callback).value_or(std::string());
    if (!url.starts_with("https://") && !url.starts_with("http://")) return std::string();
    return "<a href=\"" + escaped(url) + "\">" + std::string(text) + "</a>";
}

/// The ways back that the shop has asked for.
std::string waysBack(const HttpRequest& request) {
    std::string links = link(request, "thankYouPageUrl", "Place the order");
    links += link(request, "postFlowUrl", "Back to the shop");
    if (links.empty()) links = "The redirect session has no callbacks: there is no way back to the shop.";
    return "<p>" + links + "</p><p>This is the checkout of a fake Wix: nothing is paid.</p>";
}

std::string row(const std::string& name, const std::string& detail, Cents price) {
    return "<tr><td>" + escaped(name) + "</td><td>" + detail + "</td><td>" + formatCents(price) + " " +
           std::string(siteCurrency) + "</td></tr>";
}

HttpReply cartPage(const Shop& shop, const Call& call) {
    const Cart* cart = shop.cartOfCheckout(call.request.parameter("checkoutId").value_or(std::string()));
    if (cart == nullptr) return page(404, "No such checkout", waysBack(call.request));
    const Totals totals = cart->totals(Charges());
    std::string rows;
    for (std::size_t i = 0; i < cart->lines().size(); ++i) {
        const CartLine& line = cart->lines()[i];
        const std::string name = line.choice.empty() ? line.name : line.name + " (" + line.choice + ")";
        rows += row(name, std::to_string(line.quantity), totals.lines[i].subtotal);
    }
    if (totals.discount != 0) rows += row("Discount", "", -totals.discount);
    rows += row("Total", "", totals.total);
    return page(200, "Checkout", "<table>" + rows + "</table>" + waysBack(call.request));
}

HttpReply ticketPage(const BoxOffice& office, const Call& call) {
    const Reservation* reservation = office.find(call.request.parameter("reservationId").value_or(std::string()));
    if (reservation == nullptr || !isActive(*reservation, call.now) || reservation->event->slug != call.path.front())
        return page(404, "No such reservation", waysBack(call.request));
    std::string rows;
    Cents total = 0;
    for (const auto& reserved : reservation->tickets) {
        const auto& tickets = reservation->event->tickets;
        const auto quantity = reserved.second;
        const auto ticket =
            std::find_if(tickets.begin(), tickets.end(), [&](const auto& t) { return t.id == reserved.first; });
        if (ticket == tickets.end()) continue;
        rows += row(std::string(ticket->name), std::to_string(quantity), ticket->price * quantity);
        total += ticket->price * quantity;
    }
    rows += row("Total", "", total);
    return page(200, "Tickets: " + escaped(reservation->event->title),
                "<table>" + rows + "</table>" + waysBack(call.request));
}

}  // namespace

void addCheckoutPages(Router& router, const Shop& shop, const BoxOffice& office) {
    router.add(Route("redirect", "GET", "/__ecom/checkout", Access::open, Effect::read,
                     [&](const Call& call) { return cartPage(shop, call); }));
    router.add(Route("redirect", "GET", "/event-details/{}/ticket-form", Access::open, Effect::read,
                     [&](const Call& call) { return ticketPage(office, call); }));
}

}  // namespace wix::testing::detail
