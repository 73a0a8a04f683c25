// The pages, and what their forms do. They work without JavaScript.
#include <boost/lexical_cast.hpp>
#include <boost/url/params_view.hpp>
#include <boost/url/parse_query.hpp>

#include <algorithm>

#include "pages.hpp"

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

std::string text(const json::value& in, std::string_view pointer) {
    const json::value& found = at(in, pointer);
    if (found.is_int64()) return std::to_string(found.get_int64());
    return found.is_string() ? std::string(found.get_string()) : "";
}

bool isTrue(const json::value& in, std::string_view pointer) {
    return at(in, pointer).is_bool() && at(in, pointer).get_bool();
}

const json::array& list(const json::value& in, std::string_view pointer) {
    static const json::array none;
    return at(in, pointer).is_array() ? at(in, pointer).get_array() : none;
}

std::int64_t sumOfQuantities(const json::array& lines) {
    std::int64_t sum = 0;
    for (const json::value& line : lines) sum += at(line, "/quantity").is_int64() ? line.at("quantity").get_int64() : 0;
    return sum;
}

/// HTML that cannot forget to escape: only a literal is markup. A `{/pointer}` in it is what `data` has there, a `{}` the
/// next of the parts. Those that are no Html themselves are text, which is escaped, for attributes as well.
class Html {
public:
    struct Literal {
        consteval Literal(const char* markup) : text(markup) {}
        std::string_view text;
    };

    Html() = default;
    template <class... Parts>
    explicit Html(Literal markup, const json::value& data = json::value(), const Parts&... parts) {
        fill(markup.text, data, {markupOf(parts)...});
    }
    Html& operator+=(const Html& more) {
        text_ += more.text_;
        return *this;
    }
    const std::string& text() const { return text_; }

private:
    static std::string markupOf(const Html& part) { return part.text_; }
    static std::string markupOf(std::string_view text) {
        std::string escaped;
        for (const char c : text) {
            const std::size_t special = std::string_view("&<>\"'").find(c);
            constexpr const char* entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
            escaped += special == std::string_view::npos ? std::string(1, c) : entities[special];
        }
        return escaped;
    }

    void fill(std::string_view markup, const json::value& data, const std::vector<std::string>& parts) {
        std::size_t next = 0;
        for (auto open = markup.find('{'); open != markup.npos; open = markup.find('{')) {
            const auto close = markup.find('}', open);
            const std::string_view pointer = markup.substr(open + 1, close - open - 1);
            text_ += markup.substr(0, open);
            text_ += pointer.empty() ? parts.at(next++) : markupOf(::text(data, pointer));
            markup.remove_prefix(close + 1);
        }
        text_ += markup;
    }

    std::string text_;
};

std::string whole(std::string_view title, const Html& body, std::int64_t itemsInCart) {
    const std::string items = std::to_string(itemsInCart);
    return Html(R"(<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{} · Studio &amp; Clay</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="stylesheet" href="/style.css"></head>
<body><header><a class="brand" href="/">Studio <i>&amp;</i> Clay</a>
<nav><a href="/">Shop</a><a href="/events">Events</a><a href="/cart">Cart{}</a></nav></header><main>{}</main>
<footer>Free returns for 30 days. Cart, tickets and payment by Wix Headless.</footer></body></html>)",
                json::value(), title, itemsInCart > 0 ? Html(R"(<b id="count">{}</b>)", json::value(), items) : Html(),
                body)
        .text();
}

/// With the number of items in the cart, unless it cannot be had now.
asio::awaitable<Response> page(Call& call, std::string title, Html body) {
    std::int64_t items = 0;
    if (call.client) {
        const wix::result<json::value> cart = co_await wix::asResult(call.client->get(currentCart));
        if (cart.has_value()) items = sumOfQuantities(list(*cart, "/cart/lineItems"));
    }
    co_return reply(whole(title, body, items));
}

/// After a form: the browser gets the page with GET, so that loading it again repeats nothing.
Response seeOther(std::string_view where) {
    Response made = reply("", http::status::see_other);
    made.set(http::field::location, where);
    return made;
}

Html form(const Call& call, std::string_view action, const Html& content) {
    return Html(R"(<form method="post" action="{}"><input type="hidden" name="csrf" value="{}">{}</form>)",
                json::value(), action, call.csrf, content);
}

Html soldOut() { return Html(R"(<p class="note">Sold out</p>)"); }

/// Over a tile with the product's initial, which stands for it where there is none.
Html picture(const json::value& product) {
    Html image;
    if (text(product, "/media/mainMedia/image/url").starts_with("https://"))  // scaled by Wix
        image =
            Html(R"(<img src="{/media/mainMedia/image/url}/v1/fill/w_640,h_480,al_c/picture.jpg" alt="">)", product);
    return Html(R"(<div class="picture" data-name="{/name}">{}</div>)", product, image);
}

/// A description is HTML of the site's owner. Its words are enough here.
std::string withoutTags(const std::string& html) {
    std::string plain;
    bool inTag = false;
    for (const char c : html) {
        if (c == '<') inTag = true;
        if (!inTag) plain += c;
        if (c == '>') inTag = false;
    }
    return plain;
}

/// Of 2030-05-04T16:00:00.000Z
std::string dayAndTime(const std::string& date) {
    return date.size() < 16 ? "" : date.substr(0, 10) + ", " + date.substr(11, 5) + " UTC";
}

asio::awaitable<Response> showGrid(Call& call) {
    const json::value found = co_await call.house.post(
        "/stores-reader/v1/products/query", wix::object("query", wix::object("paging", wix::object("limit", 50))));
    Html tiles;
    for (const json::value& product : list(found, "/products")) {
        Html buy = form(call, "/cart/add",
                        Html(R"(<input type="hidden" name="product" value="{/id}">
<input type="hidden" name="quantity" value="1"><button>Add to cart</button>)",
                             product));
        if (isTrue(product, "/manageVariants"))
            buy = Html(R"(<a class="button" href="/product/{/id}">Choose</a>)", product);
        if (!isTrue(product, "/stock/inStock")) buy = soldOut();
        tiles += Html(R"(<article><a href="/product/{/id}">{}<h2>{/name}</h2></a>
<p class="price">{/price/formatted/discountedPrice}</p>{}</article>)",
                      product, picture(product), buy);
    }
    Html body(R"(<section class="hero"><h1>Made slowly, used daily</h1>
<p>Kitchenware, linen and paper from small workshops.</p></section><div class="grid">{}</div>)",
              found, tiles);
    co_return co_await page(call, "Shop", std::move(body));
}

Html choiceOfVariants(const json::value& product) {
    Html options;
    for (const json::value& variant : list(product, "/variants")) {
        Html name;
        if (const json::object* choices = at(variant, "/choices").if_object())
            for (const auto& choice : *choices) name += Html("{} ", choice.value(), text(choice.value(), ""));
        options += Html(R"(<option value="{/id}">{}</option>)", variant, name);
    }
    return Html(R"(<select name="variant" aria-label="Choice">{}</select>)", product, options);
}

asio::awaitable<Response> showProduct(Call& call) {
    const json::value found = co_await call.house.get("/stores-reader/v1/products/" + call.id);
    const json::value& product = at(found, "/product");
    Html buy = form(call, "/cart/add",
                    Html(R"(<input type="hidden" name="product" value="{/id}">{}
<input type="number" name="quantity" min="1" max="99" value="1"><button>Add to cart</button>)",
                         product, isTrue(product, "/manageVariants") ? choiceOfVariants(product) : Html()));
    if (!isTrue(product, "/stock/inStock")) buy = soldOut();
    Html body(R"(<div class="product">{}<div><h1>{/name}</h1><p class="price">{/price/formatted/discountedPrice}</p>
<p>{}</p>{}</div></div>)",
              product, picture(product), withoutTags(text(product, "/description")), buy);
    co_return co_await page(call, text(product, "/name"), std::move(body));
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
    const json::array& lines = list(totals, "/cart/lineItems");
    Html rows;
    for (const json::value& line : lines) {
        Html details;
        for (const json::value& each : list(line, "/descriptionLines"))
            details += Html("<small>{/name/original} {/plainText/original}</small>", each);
        Html change(
            R"(<input type="hidden" name="line" value="{/id}"><input type="number" name="quantity" min="1" max="99"
value="{/quantity}"><button class="quiet">Update</button>)",
            line);
        Html remove(R"(<input type="hidden" name="line" value="{/id}"><button class="quiet">Remove</button>)", line);
        rows += Html(R"(<tr data-product="{/catalogReference/catalogItemId}" data-quantity="{/quantity}">
<td><strong>{/productName/original}</strong>{}</td><td>{/price/formattedAmount}</td><td>{}{}</td>
<td>{/lineItemPrice/formattedAmount}</td></tr>)",
                     line, details, form(call, "/cart/change", change), form(call, "/cart/remove", remove));
    }
    Html body(R"(<h1>Your cart</h1><table><tr><th>Product<th>Price<th>Quantity<th>Sum</tr>{}
<tr><td colspan="3">Total</td><td id="total">{/priceSummary/total/formattedAmount}</td></tr></table>{})",
              totals, rows, form(call, "/checkout", Html("<button>Go to checkout</button>")));
    if (lines.empty())
        body =
            Html(R"(<h1>Your cart</h1><p>There is nothing in it yet.</p><a class="button" href="/">To the shop</a>)");
    co_return reply(whole("Cart", body, sumOfQuantities(lines)));
}

asio::awaitable<Response> showEvents(Call& call) {
    const json::value found = co_await call.house.post("/events/v3/events/query", wix::object("query", wix::object()));
    Html tiles;
    for (const json::value& event : list(found, "/events"))
        tiles += Html(R"(<article><a href="/event/{/slug}"><h2>{/title}</h2></a><p>{}</p>
<p>{/location/name}</p></article>)",
                      event, dayAndTime(text(event, "/dateAndTimeSettings/startDate")));
    Html body(R"(<h1>Events</h1><div class="grid">{}</div>)", found, tiles);
    co_return co_await page(call, "Events", std::move(body));
}

asio::awaitable<Response> showEvent(Call& call) {
    const json::value found = co_await call.house.get("/events/v3/events/slug/" + call.id);
    const json::value& event = at(found, "/event");
    const std::string id = checkedId(text(event, "/id"));
    const json::value available = co_await call.house.get("/events/v1/checkout/available-tickets?eventId=" + id);
    Html tickets;
    for (const json::value& ticket : list(available, "/definitions")) {
        Html reserve = form(call, "/reserve",
                            Html(R"(<input type="hidden" name="event" value="{}">
<input type="hidden" name="slug" value="{}"><input type="hidden" name="ticket" value="{/id}">
<input type="number" name="quantity" min="1" max="{/limitPerCheckout}" value="1"><button>Reserve</button>)",
                                 ticket, id, call.id));
        if (isTrue(ticket, "/salesDetails/soldOut")) reserve = soldOut();
        tickets += Html(R"(<div class="ticket"><div><strong>{/name}</strong>
<small>{/price/amount} {/price/currency}</small></div>{}</div>)",
                        ticket, reserve);
    }
    Html body("<h1>{/title}</h1><p>{} · {/location/name}</p>{}", event,
              dayAndTime(text(event, "/dateAndTimeSettings/startDate")), tickets);
    co_return co_await page(call, text(event, "/title"), std::move(body));
}

asio::awaitable<Response> showReservation(Call& call) {
    const std::string slug = checkedId(call.field("event"));
    if (!call.client) throw Refusal(http::status::not_found, "There is nothing here.");
    const json::value found = co_await call.client->get("/events/v1/ticket-reservations/" + call.id);
    const json::value& reservation = at(found, "/ticketReservation");
    const std::int64_t tickets = sumOfQuantities(list(reservation, "/tickets"));
    Html buy = form(call, "/checkout/tickets",
                    Html(R"(<input type="hidden" name="reservation" value="{/id}">
<input type="hidden" name="slug" value="{}"><button>Buy them</button>)",
                         reservation, slug));
    if (text(reservation, "/status") != "PENDING") buy = Html("<p>This reservation has ended.</p>");
    Html body(R"(<h1>Reserved for you</h1><p id="tickets">{}, held until {}.</p>{})", reservation,
              std::to_string(tickets) + (tickets == 1 ? " ticket" : " tickets"),
              dayAndTime(text(reservation, "/expirationDate")), buy);
    co_return co_await page(call, "Reservation", std::move(body));
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
    co_await postIfThere(*call.client, currentCart + "/update-line-items-quantity",
                         wix::object("lineItems", wix::array(std::move(line))));
    co_return seeOther("/cart");
}

asio::awaitable<Response> removeLine(Call& call) {
    json::value lines = wix::array(checkedId(call.field("line")));
    co_await postIfThere(*call.client, currentCart + "/remove-line-items",
                         wix::object("lineItemIds", std::move(lines)));
    co_return seeOther("/cart");
}

/// Sends the browser to a checkout of Wix, which sends it back to the cart.
asio::awaitable<Response> goToWix(Call& call, json::value intent) {
    intent.as_object()["callbacks"] = wix::object("postFlowUrl", call.publicUrl + "/cart");
    const json::value session = co_await call.client->post("/headless/v1/redirect-session", std::move(intent));
    const std::string url = text(session, "/redirectSession/fullUrl");
    const auto isOdd = [](unsigned char c) { return c <= ' ' || c > '~'; };
    if (!url.starts_with("https://") || std::any_of(url.begin(), url.end(), isOdd))
        throw std::runtime_error("the redirect session has no usable URL");
    co_return seeOther(url);
}

asio::awaitable<Response> checkOut(Call& call) {
    const json::value made =
        co_await call.client->post(currentCart + "/create-checkout", wix::object("channelType", "WEB"));
    json::value checkout = wix::object("checkoutId", text(made, "/checkoutId"));
    co_return co_await goToWix(call, wix::object("ecomCheckout", std::move(checkout)));
}

asio::awaitable<Response> reserve(Call& call) {
    const std::string slug = checkedId(call.field("slug"));
    json::value ticket =
        wix::object("ticketDefinitionId", checkedId(call.field("ticket")), "quantity", quantityIn(call));
    json::value wanted =
        wix::object("eventId", checkedId(call.field("event")), "ticketQuantities", wix::array(std::move(ticket)));
    const json::value made = co_await call.client->post("/events/v1/checkout/reservations", std::move(wanted));
    co_return seeOther("/reservation/" + checkedId(text(made, "/id")) + "?event=" + slug);
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
             "default-src 'none'; style-src 'self'; img-src https://static.wixstatic.com; form-action 'self' https:; "
             "base-uri 'none'; frame-ancestors 'none'");
    made.body() = std::move(body);
    return made;
}

Response apology(http::status status, std::string_view message, std::string_view reference) {
    Html body(R"(<h1>Sorry</h1><p>{}</p><a class="button" href="/">To the shop</a><p class="note">Reference: {}</p>)",
              json::value(), message, reference);
    Response made = reply(whole("Sorry", body, 0), status);
    if (status == http::status::service_unavailable) made.set(http::field::retry_after, "5");
    return made;
}

Response styleSheet() {
    return reply(R"css(
:root { --ink: #2b2621; --line: #e5dccf; --accent: #9a4f2c; --soft: #7c7064; }
* { box-sizing: border-box; }
body { margin: 0; background: #faf7f2; color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
.brand, h1, h2, .picture { font-family: Georgia, "DejaVu Serif", serif; font-weight: normal; }
a { color: inherit; text-decoration: none; }
header { display: flex; justify-content: space-between; padding: 1rem 5vw; background: #fff; }
header, th, td { border-bottom: 1px solid var(--line); }
.brand { font-size: 1.5rem; }
.brand i, a:hover { color: var(--accent); }
nav a { margin-left: 1.8rem; line-height: 2.2rem; }
nav b { background: var(--accent); color: #fff; border-radius: 1rem; padding: 0 .5rem; margin-left: .4rem; }
main { max-width: 1080px; margin: 0 auto; padding: 2rem 5vw 4rem; }
.hero, footer { text-align: center; padding-bottom: 2rem; }
.hero p, small, .note, footer { color: var(--soft); }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 1.6rem; }
.product { display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 3rem; }
article, .ticket { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: .9rem; }
.picture { position: relative; aspect-ratio: 4/3; border-radius: 8px; overflow: hidden; text-align: center;
  font-size: 0; color: #fffc; background: linear-gradient(135deg, #c98b6b, #8f4a2b); }
article:nth-child(3n+2) .picture { background: linear-gradient(135deg, #93a58a, #53684c); }
article:nth-child(3n) .picture { background: linear-gradient(135deg, #8fa3b8, #4a617a); }
.picture::before { content: attr(data-name); }
.picture::first-letter { font-size: 4rem; line-height: 10rem; }
.picture img { position: absolute; top: 0; left: 50%; transform: translateX(-50%); }
.price, #total { font-weight: 600; }
form { display: inline-flex; gap: .5rem; align-items: center; flex-wrap: wrap; margin: 0; }
button, .button { border: 0; border-radius: 6px; background: var(--ink); color: #fff; font: inherit; padding: .5rem 1rem; }
.quiet { background: none; color: var(--soft); text-decoration: underline; }
input, select { font: inherit; padding: .4rem .5rem; border: 1px solid var(--line); border-radius: 6px; }
table { width: 100%; border-collapse: collapse; background: #fff; margin-bottom: 1.5rem; }
th, td { text-align: left; padding: .8rem; }
small { display: block; }
.ticket { display: flex; justify-content: space-between; align-items: center; margin-top: 1rem; }
)css",
                 http::status::ok, "text/css");
}
