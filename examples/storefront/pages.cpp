#include "pages.hpp"

#include "html.hpp"

namespace json = boost::json;

namespace storefront {

namespace {

std::string whole(const Frame& frame, const std::string& title, const Html& body) {
    Html page;
    page << "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>"
         << title
         << " · Studio &amp; Clay</title><link rel=\"stylesheet\" href=\"/style.css\"></head><body><header>"
            "<a class=\"brand\" href=\"/\">Studio <i>&amp;</i> Clay</a><nav><a href=\"/\">Shop</a>"
            "<a href=\"/events\">Events</a><a href=\"/cart\">Cart";
    if (frame.cartItems.value_or(0) > 0) page << "<b id=\"count\">" << *frame.cartItems << "</b>";
    page
        << "</a></nav></header><main>" << body
        << "</main><footer>Free returns for 30 days. Cart, tickets and payment by Wix Headless.</footer></body></html>";
    return page.take();
}

Html form(const Frame& frame, std::string_view action, const Html& content) {
    Html made;
    made << "<form method=\"post\" action=\"" << action << "\"><input type=\"hidden\" name=\"csrf\" value=\""
         << frame.csrf << "\">" << content << "</form>";
    return made;
}

Html hidden(std::string_view name, std::string_view value) {
    Html made;
    made << "<input type=\"hidden\" name=\"" << name << "\" value=\"" << value << "\">";
    return made;
}

Html quantityField(std::int64_t value, std::int64_t most) {
    Html made;
    made << "<input type=\"number\" name=\"quantity\" aria-label=\"Quantity\" min=\"1\" max=\"" << most << "\" value=\""
         << value << "\" required>";
    return made;
}

/// A picture, over a tile that stands for it where there is none.
Html picture(const json::value& product) {
    const std::string_view name = text(product, "/name");
    const std::string_view id = text(product, "/id");
    const std::string_view url = text(product, "/media/mainMedia/image/url");
    std::size_t initial = name.empty() ? 0 : 1;
    while (initial < name.size() && (static_cast<unsigned char>(name[initial]) & 0xC0) == 0x80) ++initial;  // UTF-8
    Html made;
    made << "<div class=\"picture tone" << (id.empty() ? 0 : id.back() % 6) << "\"><span>" << name.substr(0, initial)
         << "</span>";
    // As wide as a tile; without a size in the style, one that does not load leaves no trace.
    if (url.starts_with("https://static.wixstatic.com/"))
        made << "<img src=\"" << url << "/v1/fill/w_640,h_480,al_c/picture.jpg\" alt=\"\" loading=\"lazy\">";
    made << "</div>";
    return made;
}

Html priceOf(const json::value& product) {
    const std::string_view now = text(product, "/price/formatted/discountedPrice");
    const std::string_view before = text(product, "/price/formatted/price");
    Html made;
    made << "<p class=\"price\">" << now;
    if (before != now) made << " <s>" << before << "</s>";
    made << "</p>";
    return made;
}

/// A description is HTML of the site's owner. Its words are enough here.
std::string withoutTags(std::string_view html) {
    std::string plain;
    bool inTag = false;
    for (const char c : html) {
        if (c == '<') inTag = true;
        if (!inTag) plain += c;
        if (c == '>') inTag = false;
    }
    return plain;
}

std::string dayAndTime(std::string_view date) {  // 2030-05-04T16:00:00.000Z
    return date.size() < 16 ? "" : std::string(date.substr(0, 10)) + ", " + std::string(date.substr(11, 5)) + " UTC";
}

Html choiceOfVariants(const json::value& product) {
    Html made;
    if (!isTrue(product, "/manageVariants")) return made;
    made << "<select name=\"variant\" aria-label=\"Choice\">";
    for (const json::value& variant : list(product, "/variants")) {
        made << "<option value=\"" << text(variant, "/id") << "\">";
        if (const json::object* choices = at(variant, "/choices").if_object())
            for (const auto& choice : *choices)
                if (const json::string* value = choice.value().if_string()) made << std::string_view(*value) << " ";
        made << "</option>";
    }
    made << "</select>";
    return made;
}

Html cartLine(const Frame& frame, const json::value& line) {
    const std::string_view id = text(line, "/id");
    Html change;
    change << hidden("line", id) << quantityField(number(line, "/quantity"), 99)
           << "<button class=\"quiet\">Update</button>";
    Html remove;
    remove << hidden("line", id) << "<button class=\"quiet\">Remove</button>";
    Html made;
    made << "<tr data-product=\"" << text(line, "/catalogReference/catalogItemId") << "\" data-quantity=\""
         << number(line, "/quantity") << "\"><td><strong>" << text(line, "/productName/original") << "</strong>";
    for (const json::value& description : list(line, "/descriptionLines"))
        made << "<small>" << text(description, "/name/original") << " " << text(description, "/plainText/original")
             << "</small>";
    made << "</td><td>" << text(line, "/price/formattedAmount") << "</td><td class=\"forms\">"
         << form(frame, "/cart/change", change) << form(frame, "/cart/remove", remove) << "</td><td class=\"sum\">"
         << text(line, "/lineItemPrice/formattedAmount") << "</td></tr>";
    return made;
}

}  // namespace

std::int64_t itemsOf(const json::value& cart) {
    std::int64_t items = 0;
    for (const json::value& line : list(cart, "/cart/lineItems")) items += number(line, "/quantity");
    return items;
}

std::string gridPage(const Frame& frame, const json::value& products) {
    Html body;
    body << "<section class=\"hero\"><h1>Made slowly, used daily</h1><p>Kitchenware, linen and paper from small "
            "workshops.</p></section><div class=\"grid\">";
    for (const json::value& product : list(products, "/products")) {
        const std::string_view id = text(product, "/id");
        body << "<article><a href=\"/product/" << id << "\">" << picture(product) << "<h2>" << text(product, "/name")
             << "</h2></a>" << priceOf(product);
        Html buy;
        buy << hidden("product", id) << hidden("quantity", "1") << "<button>Add to cart</button>";
        if (!isTrue(product, "/stock/inStock"))
            body << "<p class=\"note\">Sold out</p>";
        else if (isTrue(product, "/manageVariants"))
            body << "<a class=\"button\" href=\"/product/" << id << "\">Choose</a>";
        else
            body << form(frame, "/cart/add", buy);
        body << "</article>";
    }
    body << "</div>";
    return whole(frame, "Shop", body);
}

std::string productPage(const Frame& frame, const json::value& found) {
    const json::value& product = at(found, "/product");
    Html buy;
    buy << hidden("product", text(product, "/id")) << choiceOfVariants(product) << quantityField(1, 99)
        << "<button>Add to cart</button>";
    Html body;
    body << "<div class=\"product\">" << picture(product) << "<div><h1>" << text(product, "/name") << "</h1>"
         << priceOf(product) << "<p>" << withoutTags(text(product, "/description")) << "</p>";
    if (isTrue(product, "/stock/inStock"))
        body << form(frame, "/cart/add", buy);
    else
        body << "<p class=\"note\">Sold out</p>";
    body << "</div></div>";
    return whole(frame, std::string(text(product, "/name")), body);
}

std::string cartPage(const Frame& frame, const json::value& totals) {
    const json::array& lines = list(totals, "/cart/lineItems");
    Html body;
    body << "<h1>Your cart</h1>";
    if (lines.empty()) {
        body << "<p class=\"empty\">There is nothing in your cart yet.</p><a class=\"button\" href=\"/\">To the "
                "shop</a>";
        return whole(frame, "Cart", body);
    }
    body << "<table><thead><tr><th>Product</th><th>Price</th><th>Quantity</th><th>Sum</th></tr></thead><tbody>";
    for (const json::value& line : lines) body << cartLine(frame, line);
    body << "</tbody><tfoot><tr><td colspan=\"3\">Total</td><td class=\"sum\" id=\"total\">"
         << text(totals, "/priceSummary/total/formattedAmount") << "</td></tr></tfoot></table>";
    Html checkout;
    checkout << "<button>Go to checkout</button>";
    body << form(frame, "/checkout", checkout);
    return whole(frame, "Cart", body);
}

std::string eventsPage(const Frame& frame, const json::value& events) {
    Html body;
    body << "<h1>Events</h1><div class=\"grid\">";
    for (const json::value& event : list(events, "/events"))
        body << "<article class=\"event\"><a href=\"/event/" << text(event, "/slug") << "\"><h2>"
             << text(event, "/title") << "</h2></a><p>" << dayAndTime(text(event, "/dateAndTimeSettings/startDate"))
             << "</p><p>" << text(event, "/location/name") << "</p></article>";
    body << "</div>";
    return whole(frame, "Events", body);
}

std::string eventPage(const Frame& frame, const json::value& found, const json::value& tickets) {
    const json::value& event = at(found, "/event");
    Html body;
    body << "<h1>" << text(event, "/title") << "</h1><p>" << dayAndTime(text(event, "/dateAndTimeSettings/startDate"))
         << " · " << text(event, "/location/name") << "</p>";
    if (list(tickets, "/definitions").empty()) body << "<p class=\"note\">This event needs no ticket.</p>";
    for (const json::value& ticket : list(tickets, "/definitions")) {
        Html reserve;
        reserve << hidden("event", text(event, "/id")) << hidden("slug", text(event, "/slug"))
                << hidden("ticket", text(ticket, "/id")) << quantityField(1, number(ticket, "/limitPerCheckout"))
                << "<button>Reserve</button>";
        body << "<div class=\"ticket\"><div><strong>" << text(ticket, "/name") << "</strong><small>"
             << text(ticket, "/price/amount") << " " << text(ticket, "/price/currency") << "</small></div>";
        if (isTrue(ticket, "/salesDetails/soldOut"))
            body << "<p class=\"note\">Sold out</p>";
        else
            body << form(frame, "/reserve", reserve);
        body << "</div>";
    }
    return whole(frame, std::string(text(event, "/title")), body);
}

std::string reservationPage(const Frame& frame, const json::value& found, std::string_view eventSlug) {
    const json::value& reservation = at(found, "/ticketReservation");
    std::int64_t tickets = 0;
    for (const json::value& ticket : list(reservation, "/tickets")) tickets += number(ticket, "/quantity");
    Html checkout;
    checkout << hidden("reservation", text(reservation, "/id")) << hidden("slug", eventSlug)
             << "<button>Buy them</button>";
    Html body;
    body << "<h1>Reserved for you</h1><p id=\"tickets\">" << tickets
         << std::string(tickets == 1 ? " ticket" : " tickets") << ", held until "
         << dayAndTime(text(reservation, "/expirationDate")) << ".</p>";
    if (text(reservation, "/status") == "PENDING")
        body << form(frame, "/checkout/tickets", checkout);
    else
        body << "<p class=\"note\">This reservation has ended.</p>";
    return whole(frame, "Reservation", body);
}

std::string messagePage(const std::string& title, const std::string& message, const std::string& reference) {
    Html body;
    body << "<h1>" << title << "</h1><p>" << message << "</p><a class=\"button\" href=\"/\">To the shop</a>";
    if (!reference.empty()) body << "<p class=\"note\">Reference: " << reference << "</p>";
    return whole(Frame(), title, body);
}

}  // namespace storefront
