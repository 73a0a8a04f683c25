// The pages, and what their forms do. They work without JavaScript.
#include <boost/algorithm/string/replace.hpp>
#include <boost/lexical_cast.hpp>
#include <boost/url/params_view.hpp>
#include <boost/url/parse_query.hpp>

#include <algorithm>
#include <regex>

#include "pages.hpp"
#include "templates.hpp"

namespace json = boost::json;

namespace {

const std::string storesApp = "215238eb-22a5-4c36-9e7b-e7c08025e04e";  // Wix Stores, on every site
const std::string currentCart = "/ecom/v1/carts/current";

/// What is at a JSON pointer; null if there is nothing. What an API will answer tomorrow is not for a page to trust.
const json::value& at(const json::value& in, std::string_view pointer) {
    static const json::value nothing;
    boost::system::error_code error;
    const json::value* found = in.find_pointer(pointer, error);
    return found != nullptr ? *found : nothing;
}

/// A time, such as 2030-05-04T16:00:00.000Z, as people read it.
std::string textOf(const json::value& found) {
    if (found.is_int64()) return std::to_string(found.get_int64());
    const std::string text = found.is_string() ? found.get_string().c_str() : "";
    const bool isTime = text.size() == 24 && text[10] == 'T' && text[13] == ':' && text[23] == 'Z';
    return isTime ? text.substr(0, 10) + ", " + text.substr(11, 5) + " UTC" : text;
}

std::string escaped(std::string text) {
    boost::replace_all(text, "&", "&amp;");
    boost::replace_all(text, "<", "&lt;");
    boost::replace_all(text, ">", "&gt;");
    boost::replace_all(text, "\"", "&quot;");
    boost::replace_all(text, "'", "&#39;");
    return text;
}

/// What a section is filled in for: each of these.
std::vector<const json::value*> elementsOf(const json::value& found, const json::value& here) {
    std::vector<const json::value*> elements;
    if (found.is_array())
        for (const json::value& element : found.get_array()) elements.push_back(&element);
    else if (found.is_object())
        for (const auto& member : found.get_object()) elements.push_back(&member.value());
    else if (found == json::value(true) || found.is_string() || (found.is_int64() && found.get_int64() > 0))
        elements.push_back(&here);
    return elements;
}

/// Fills in markup, and takes from `markup` what it has filled in: all of it, or up to the `{;}` of a section.
///     {/pointer}, {@/pointer}  a text in `here`, or in `top`: always escaped, so nobody can forget it
///     {#/pointer} ... {;}      once for each element, which is `here` then; or once if there is such a text or truth
///     {^/pointer} ... {;}      if there is none
void fill(std::string& out, std::string_view& markup, const json::value& here, const json::value& top) {
    for (auto open = markup.find('{'); open != markup.npos; open = markup.find('{')) {
        const std::string_view tag = markup.substr(open + 1, markup.find('}') - open - 1);
        out += markup.substr(0, open);
        markup.remove_prefix(open + tag.size() + 2);
        if (tag == ";") return;
        const bool isSection = tag.starts_with('#') || tag.starts_with('^');
        const std::string_view pointer = tag.substr(isSection ? 1 : 0);
        const json::value& found = pointer.starts_with('@') ? at(top, pointer.substr(1)) : at(here, pointer);
        if (!isSection) {
            out += escaped(textOf(found));
            continue;
        }
        std::vector<const json::value*> elements = elementsOf(found, here);
        if (tag.starts_with('^')) elements.resize(elements.empty() ? 1 : 0, &here);
        const std::string_view section = markup;
        std::string dropped;
        fill(dropped, markup, here, top);  // to its end
        for (const json::value* each : elements) {
            std::string_view again = section;
            fill(out, again, *each, top);
        }
    }
    out += markup;
}

std::int64_t itemsIn(const json::value& cart) {
    std::int64_t items = 0;
    for (const json::value* line : elementsOf(at(cart, "/cart/lineItems"), cart))
        if (const std::int64_t* quantity = at(*line, "/quantity").if_int64()) items += *quantity;
    return items;
}

/// A page of a template, in which `data` is the answer of the API.
std::string whole(const Call& call, std::string_view title, std::string_view markup, json::value data,
                  std::int64_t items) {
    const json::value top =
        wix::object("title", title, "csrf", call.csrf, "items", items, "id", call.id, "data", std::move(data));
    std::string page;
    for (std::string_view part : {pageBegin, markup, pageEnd}) fill(page, part, top.at("data"), top);
    return page;
}

/// With the number of items in the cart, unless it cannot be had now.
asio::awaitable<Response> show(Call& call, std::string title, std::string_view markup, json::value data) {
    std::int64_t items = 0;
    if (call.client) {
        const wix::result<json::value> cart = co_await wix::asResult(call.client->get(currentCart));
        if (cart.has_value()) items = itemsIn(*cart);
    }
    co_return reply(whole(call, title, markup, std::move(data), items));
}

/// After a form: the browser gets the page with GET, so that loading it again repeats nothing.
Response seeOther(std::string_view where) {
    Response made = reply("", http::status::see_other);
    made.set(http::field::location, where);
    return made;
}

asio::awaitable<Response> showGrid(Call& call) {
    json::value found = co_await call.house.post("/stores-reader/v1/products/query",
                                                 wix::object("query", wix::object("paging", wix::object("limit", 50))));
    co_return co_await show(call, "Shop", gridPage, std::move(found));
}

asio::awaitable<Response> showProduct(Call& call) {
    json::value found = co_await call.house.get("/stores-reader/v1/products/" + call.id);
    // A description is HTML of the site's owner. Its words are enough here.
    json::value& product = found.at("product");
    const std::string words = std::regex_replace(textOf(at(product, "/description")), std::regex("<[^<>]{1,99}>"), "");
    product.as_object()["description"] = words;
    const std::string name = textOf(at(product, "/name"));
    co_return co_await show(call, name, productPage, std::move(found));
}

/// The answer to a POST; null if what it is about is not there (any more).
asio::awaitable<json::value> postIfThere(wix::Client client, std::string path, json::value body,
                                         wix::CallOptions options = wix::CallOptions()) {
    wix::result<json::value> answer = co_await wix::asResult(client.post(path, std::move(body), options));
    if (answer.has_error() && answer.error().apiError && answer.error().apiError->status() == 404)
        co_return json::value();
    co_return std::move(answer).value();  // throws the other errors
}

asio::awaitable<Response> showCart(Call& call) {
    json::value totals;  // nothing for a newcomer, or without a cart
    wix::CallOptions options;
    options.idempotent = true;  // a POST that only reads may be sent again
    const std::string path = currentCart + "/estimate-totals";
    if (call.client) totals = co_await postIfThere(*call.client, path, wix::object(), options);
    co_return reply(whole(call, "Cart", cartPage, totals, itemsIn(totals)));
}

asio::awaitable<Response> showEvents(Call& call) {
    json::value found = co_await call.house.post("/events/v3/events/query", wix::object("query", wix::object()));
    co_return co_await show(call, "Events", eventsPage, std::move(found));
}

asio::awaitable<Response> showEvent(Call& call) {
    json::value found = co_await call.house.get("/events/v3/events/slug/" + call.id);
    const std::string id = checkedId(textOf(at(found, "/event/id"))), title = textOf(at(found, "/event/title"));
    json::value tickets = co_await call.house.get("/events/v1/checkout/available-tickets?eventId=" + id);
    json::value both = wix::object("event", at(found, "/event"), "tickets", at(tickets, "/definitions"));
    co_return co_await show(call, title, eventPage, std::move(both));
}

asio::awaitable<Response> showReservation(Call& call) {
    const std::string slug = checkedId(call.field("event"));
    if (!call.client) throw Refusal(http::status::not_found, "There is nothing here.");
    json::value found = co_await call.client->get("/events/v1/ticket-reservations/" + call.id);
    found.as_object()["slug"] = slug;
    co_return co_await show(call, "Reservation", reservationPage, std::move(found));
}

int quantityIn(const Call& call) {
    int quantity = 0;
    if (!boost::conversion::try_lexical_convert(call.field("quantity"), quantity) || quantity < 1 || quantity > 99)
        throw Refusal(http::status::bad_request, "A quantity is a number from 1 to 99.");
    return quantity;
}

asio::awaitable<Response> addToCart(Call& call) {
    json::value product = wix::object("appId", storesApp, "catalogItemId", checkedId(call.field("product")));
    if (const std::string variant = call.field("variant"); !variant.empty())
        product.as_object()["options"] = wix::object("variantId", checkedId(variant));
    json::value line = wix::object("quantity", quantityIn(call), "catalogReference", std::move(product));
    co_await call.client->post(currentCart + "/add-to-cart", wix::object("lineItems", wix::array(std::move(line))));
    co_return seeOther("/cart");
}

// A line that is not there was removed in another window: the cart shows it.
asio::awaitable<Response> changeLine(Call& call) {
    json::value line = wix::object("id", checkedId(call.field("line")), "quantity", quantityIn(call));
    json::value lines = wix::object("lineItems", wix::array(std::move(line)));
    co_await postIfThere(*call.client, currentCart + "/update-line-items-quantity", std::move(lines));
    co_return seeOther("/cart");
}

asio::awaitable<Response> removeLine(Call& call) {
    json::value lines = wix::object("lineItemIds", wix::array(checkedId(call.field("line"))));
    co_await postIfThere(*call.client, currentCart + "/remove-line-items", std::move(lines));
    co_return seeOther("/cart");
}

/// Sends the browser to a checkout of Wix, which sends it back to the cart.
asio::awaitable<Response> goToWix(Call& call, json::value intent) {
    intent.as_object()["callbacks"] = wix::object("postFlowUrl", call.publicUrl + "/cart");
    const json::value session = co_await call.client->post("/headless/v1/redirect-session", std::move(intent));
    const std::string url = textOf(at(session, "/redirectSession/fullUrl"));
    const auto isOdd = [](unsigned char c) { return c <= ' ' || c > '~'; };
    // The fake of the demo has its checkout on this machine.
    const bool isUsable = url.starts_with("https://") || url.starts_with("http://localhost:");
    if (!isUsable || std::any_of(url.begin(), url.end(), isOdd))
        throw std::runtime_error("the redirect session has no usable URL");
    co_return seeOther(url);
}

asio::awaitable<Response> checkOut(Call& call) {
    const json::value made =
        co_await call.client->post(currentCart + "/create-checkout", wix::object("channelType", "WEB"));
    json::value checkout = wix::object("checkoutId", at(made, "/checkoutId"));
    co_return co_await goToWix(call, wix::object("ecomCheckout", std::move(checkout)));
}

asio::awaitable<Response> reserve(Call& call) {
    const std::string slug = checkedId(call.field("slug"));
    json::value ticket =
        wix::object("ticketDefinitionId", checkedId(call.field("ticket")), "quantity", quantityIn(call));
    json::value wanted =
        wix::object("eventId", checkedId(call.field("event")), "ticketQuantities", wix::array(std::move(ticket)));
    const json::value made = co_await call.client->post("/events/v1/checkout/reservations", std::move(wanted));
    co_return seeOther("/reservation/" + checkedId(textOf(at(made, "/id"))) + "?event=" + slug);
}

asio::awaitable<Response> checkOutTickets(Call& call) {
    json::value reserved =
        wix::object("reservationId", checkedId(call.field("reservation")), "eventSlug", checkedId(call.field("slug")));
    co_return co_await goToWix(call, wix::object("eventsCheckout", std::move(reserved)));
}

constexpr http::verb get = http::verb::get, post = http::verb::post;
constexpr Route routes[] = {
    {get, "/", showGrid},           {get, "/product/", showProduct},    {get, "/cart", showCart},
    {get, "/events", showEvents},   {get, "/event/", showEvent},        {get, "/reservation/", showReservation},
    {post, "/cart/add", addToCart}, {post, "/cart/change", changeLine}, {post, "/cart/remove", removeLine},
    {post, "/checkout", checkOut},  {post, "/reserve", reserve},        {post, "/checkout/tickets", checkOutTickets},
};

}  // namespace

const Route& routeOf(std::string_view path) {
    for (const Route& route : routes) {
        const bool takesId = route.path.size() > 1 && route.path.ends_with('/');
        if (takesId ? path.starts_with(route.path) && path != route.path : path == route.path) return route;
    }
    throw Refusal(http::status::not_found, "There is nothing here.");
}

std::string checkedId(std::string_view id) {
    const auto isPlain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'; };
    if (id.empty()) throw Refusal(http::status::bad_request, "The form is incomplete.");
    if (id.size() > 100 || !std::all_of(id.begin(), id.end(), isPlain))
        throw Refusal(http::status::not_found, "There is nothing here.");
    return std::string(id);
}

std::string Call::field(std::string_view name) const {
    if (!boost::urls::parse_query(fields)) throw Refusal(http::status::bad_request, "The form is malformed.");
    const boost::urls::params_view all(fields, boost::urls::encoding_opts(true));  // + is a space
    const auto found = all.find(name);
    return found == all.end() ? std::string() : (*found).value;
}

Response reply(std::string body, http::status status, std::string_view type) {
    Response made(status, 11);
    made.set(http::field::content_type, std::string(type) + "; charset=utf-8");
    made.set(http::field::cache_control, type == "text/css" ? "public, max-age=3600" : "no-store");
    made.set("X-Content-Type-Options", "nosniff");
    made.set("Referrer-Policy", "same-origin");  // with no-referrer, browsers hide the origin of our own forms
    // Forms may end at Wix's checkout, on the site's own domain.
    made.set("Content-Security-Policy",
             "default-src 'none'; style-src 'self'; img-src https://static.wixstatic.com; form-action 'self' https: "
             "http://localhost:*; "
             "base-uri 'none'; frame-ancestors 'none'");
    made.body() = std::move(body);
    return made;
}

Response apology(const Call& call, http::status status, json::value why) {
    Response made = reply(whole(call, "Sorry", sorryPage, std::move(why), 0), status);
    if (status == http::status::service_unavailable) made.set(http::field::retry_after, "5");
    return made;
}
