#include "shop.hpp"

#include <wix/json.hpp>

#include <algorithm>
#include <vector>

#include "html.hpp"
#include "replies.hpp"

namespace json = boost::json;

namespace storefront {

namespace {

const std::string storesApp = "215238eb-22a5-4c36-9e7b-e7c08025e04e";  // Wix Stores, on every site
const std::string currentCart = "/ecom/v1/carts/current";

/// A POST that only reads may be sent again.
wix::CallOptions repeatable() {
    wix::CallOptions options;
    options.idempotent = true;
    return options;
}

bool isNotFound(const wix::Failure& failure) { return failure.apiError && failure.apiError->status() == 404; }

json::value lineItem(const Call& call) {
    json::value product = wix::object("appId", storesApp, "catalogItemId", idFrom(call.fields, "product"));
    if (call.fields.contains("variant"))
        product.as_object()["options"] = wix::object("variantId", idFrom(call.fields, "variant"));
    return wix::array(wix::object("quantity", quantityFrom(call.fields), "catalogReference", std::move(product)));
}

}  // namespace

struct Shop::Route {
    using Run = asio::awaitable<Response> (Shop::*)(Call);
    Route(http::verb verb, std::string_view where, Run what) : method(verb), path(where), run(what) {}
    /// A path that ends in `/` has one more part, which is an id.
    bool matches(std::string_view asked) const {
        if (path.size() == 1 || path.back() != '/') return asked == path;
        return asked.starts_with(path) && asked.find('/', path.size()) == std::string_view::npos;
    }
    http::verb method;
    std::string_view path;
    Run run;
};

const std::vector<Shop::Route>& Shop::routes() {
    constexpr http::verb get = http::verb::get, post = http::verb::post;
    static const std::vector<Route> all = {{get, "/", &Shop::showGrid},
                                           {get, "/product/", &Shop::showProduct},
                                           {get, "/cart", &Shop::showCart},
                                           {get, "/events", &Shop::showEvents},
                                           {get, "/event/", &Shop::showEvent},
                                           {get, "/reservation/", &Shop::showReservation},
                                           {post, "/cart/add", &Shop::addToCart},
                                           {post, "/cart/change", &Shop::changeLine},
                                           {post, "/cart/remove", &Shop::removeLine},
                                           {post, "/checkout", &Shop::checkOut},
                                           {post, "/reserve", &Shop::reserve},
                                           {post, "/checkout/tickets", &Shop::checkOutTickets}};
    return all;
}

Shop::Shop(wix::VisitorSessions sessions, wix::Client catalogue, Door door, std::shared_ptr<Metrics> metrics,
           std::string publicUrl)
    : sessions_(std::move(sessions)),
      catalogue_(std::move(catalogue)),
      door_(std::move(door)),
      metrics_(std::move(metrics)),
      publicUrl_(std::move(publicUrl)) {}

asio::awaitable<Response> Shop::handle(Request request, bool draining, std::size_t connections) {
    const std::string target(request.target());
    const std::string path = target.substr(0, target.find('?'));
    const std::string reference = run_ + "-" + std::to_string(++requests_);
    Response made;
    std::exception_ptr failed;
    try {
        if (path == "/healthz")  // the front sends no one here while it is 503
            made = draining ? textReply("draining\n", http::status::service_unavailable) : textReply("ok\n");
        else if (path == "/metrics")  // not for the public: the front must not pass it on
            made = textReply(metrics_->text(sessions_.statistics(), connections));
        else
            made = co_await answer(request, path);
    } catch (...) {
        failed = std::current_exception();
    }
    if (failed) made = failurePage(failed, reference, std::string(request.method_string()) + " " + path.substr(0, 100));
    metrics_->answered(made.result_int());
    co_return made;
}

asio::awaitable<Response> Shop::answer(const Request& request, std::string_view path) {
    const http::verb method = request.method() == http::verb::head ? http::verb::get : request.method();
    const Route* found = nullptr;
    std::string allowed;
    if (path == "/style.css" && method == http::verb::get) {
        Response style = textReply(std::string(styleSheet));
        style.set(http::field::content_type, "text/css; charset=utf-8");
        style.set(http::field::cache_control, "public, max-age=3600");
        co_return style;
    }
    for (const Route& route : routes()) {
        if (!route.matches(path)) continue;
        allowed = route.method == http::verb::get ? "GET, HEAD" : "POST";
        if (route.method == method) found = &route;
    }
    if (found == nullptr && allowed.empty()) throw Refusal(http::status::not_found, "There is nothing here.");
    if (found == nullptr) {
        Response refused = textReply("use " + allowed + "\n", http::status::method_not_allowed);
        refused.set(http::field::allow, allowed);
        co_return refused;
    }

    const Visit visit = door_.recognise(request);
    if (visit.cookieRefused) {
        metrics_->cookieRefused();
        log("a session cookie was refused: the visitor gets a new session");
    }
    Call call(visit, std::string());
    if (found->path.size() > 1 && found->path.back() == '/')
        call.argument = checkedId(std::string(path.substr(found->path.size())));
    if (method == http::verb::post)
        call.fields = parseFields(request.body());
    else if (const auto query = request.target().find('?'); query != std::string_view::npos)
        call.fields = parseFields(std::string_view(request.target()).substr(query + 1));

    // No cookie comes with this answer: the form of another site brings none, and a new one would replace the visitor's.
    if (method == http::verb::post && !door_.isOurs(visit, request, call.fields["csrf"]))
        throw Refusal(http::status::forbidden, "This form was too old, or not from this shop. Please try again.");
    Response made = co_await (this->*found->run)(std::move(call));
    made.set(http::field::set_cookie, door_.cookieOf(visit));
    co_return made;
}

asio::awaitable<void> Shop::close() {
    co_await sessions_.close();
    co_await catalogue_.close();
}

asio::awaitable<Frame> Shop::frameOf(Visit visit) {
    Frame frame;
    frame.csrf = door_.csrfOf(visit);
    if (!visit.returns) co_return frame;
    wix::Client client = co_await sessions_.open(visit.key);
    const wix::result<json::value> cart = co_await wix::asResult(client.get(currentCart));
    if (cart.has_value()) frame.cartItems = itemsOf(*cart);
    co_return frame;  // without a number if it is not known now: the page is worth showing
}

asio::awaitable<Response> Shop::showGrid(Call call) {
    const json::value products = co_await catalogue_.post(
        "/stores-reader/v1/products/query", wix::object("query", wix::object("paging", wix::object("limit", 50))));
    const Frame frame = co_await frameOf(call.visit);
    co_return htmlReply(gridPage(frame, products));
}

asio::awaitable<Response> Shop::showProduct(Call call) {
    const json::value product = co_await catalogue_.get("/stores-reader/v1/products/" + call.argument);
    const Frame frame = co_await frameOf(call.visit);
    co_return htmlReply(productPage(frame, product));
}

asio::awaitable<Response> Shop::showCart(Call call) {
    Frame frame;
    frame.csrf = door_.csrfOf(call.visit);
    if (!call.visit.returns) co_return htmlReply(cartPage(frame, json::value()));
    wix::Client client = co_await sessions_.open(call.visit.key);
    json::object nothing;
    wix::result<json::value> totals =
        co_await wix::asResult(client.post(currentCart + "/estimate-totals", std::move(nothing), repeatable()));
    if (totals.has_error() && isNotFound(totals.error())) totals = json::value();  // a visitor without a cart
    frame.cartItems = itemsOf(totals.value());
    co_return htmlReply(cartPage(frame, totals.value()));
}

asio::awaitable<Response> Shop::showEvents(Call call) {
    const json::value events =
        co_await catalogue_.post("/events/v3/events/query", wix::object("query", json::object()));
    const Frame frame = co_await frameOf(call.visit);
    co_return htmlReply(eventsPage(frame, events));
}

asio::awaitable<Response> Shop::showEvent(Call call) {
    const json::value event = co_await catalogue_.get("/events/v3/events/slug/" + call.argument);
    const std::string id = checkedId(std::string(text(event, "/event/id")));
    const json::value tickets = co_await catalogue_.get("/events/v1/checkout/available-tickets?eventId=" + id);
    const Frame frame = co_await frameOf(call.visit);
    co_return htmlReply(eventPage(frame, event, tickets));
}

asio::awaitable<Response> Shop::showReservation(Call call) {
    const std::string slug = idFrom(call.fields, "event");
    wix::Client client = co_await sessions_.open(call.visit.key);
    const json::value reservation = co_await client.get("/events/v1/ticket-reservations/" + call.argument);
    const Frame frame = co_await frameOf(call.visit);
    co_return htmlReply(reservationPage(frame, reservation, slug));
}

asio::awaitable<Response> Shop::addToCart(Call call) {
    wix::Client client = co_await sessions_.open(call.visit.key);
    co_await client.post(currentCart + "/add-to-cart", wix::object("lineItems", lineItem(call)));
    co_return seeOther("/cart");
}

asio::awaitable<Response> Shop::changeLine(Call call) {
    json::value line = wix::object("id", idFrom(call.fields, "line"), "quantity", quantityFrom(call.fields));
    wix::Client client = co_await sessions_.open(call.visit.key);
    const wix::result<json::value> done = co_await wix::asResult(client.post(
        currentCart + "/update-line-items-quantity", wix::object("lineItems", wix::array(std::move(line)))));
    if (done.has_error() && !isNotFound(done.error())) done.value();  // throws. Not found: removed in another window
    co_return seeOther("/cart");
}

asio::awaitable<Response> Shop::removeLine(Call call) {
    json::value lines = wix::array(idFrom(call.fields, "line"));
    wix::Client client = co_await sessions_.open(call.visit.key);
    const wix::result<json::value> done = co_await wix::asResult(
        client.post(currentCart + "/remove-line-items", wix::object("lineItemIds", std::move(lines))));
    if (done.has_error() && !isNotFound(done.error())) done.value();
    co_return seeOther("/cart");
}

asio::awaitable<Response> Shop::checkOut(Call call) {
    wix::Client client = co_await sessions_.open(call.visit.key);
    const json::value made = co_await client.post(currentCart + "/create-checkout", wix::object("channelType", "WEB"));
    co_return co_await goToWix(client, wix::object("ecomCheckout", wix::object("checkoutId", at(made, "/checkoutId"))));
}

asio::awaitable<Response> Shop::reserve(Call call) {
    const std::string slug = idFrom(call.fields, "slug");
    json::value tickets = wix::array(
        wix::object("ticketDefinitionId", idFrom(call.fields, "ticket"), "quantity", quantityFrom(call.fields)));
    wix::Client client = co_await sessions_.open(call.visit.key);
    const json::value made = co_await client.post(
        "/events/v1/checkout/reservations",
        wix::object("eventId", idFrom(call.fields, "event"), "ticketQuantities", std::move(tickets)));
    co_return seeOther("/reservation/" + checkedId(std::string(text(made, "/id"))) + "?event=" + slug);
}

asio::awaitable<Response> Shop::checkOutTickets(Call call) {
    json::value intent = wix::object("eventsCheckout", wix::object("reservationId", idFrom(call.fields, "reservation"),
                                                                   "eventSlug", idFrom(call.fields, "slug")));
    wix::Client client = co_await sessions_.open(call.visit.key);
    co_return co_await goToWix(client, std::move(intent));
}

asio::awaitable<Response> Shop::goToWix(wix::Client client, json::value intent) {
    intent.as_object()["callbacks"] = wix::object("postFlowUrl", publicUrl_ + "/cart");
    const json::value session = co_await client.post("/headless/v1/redirect-session", std::move(intent));
    const std::string_view url = text(session, "/redirectSession/fullUrl");
    const auto isOdd = [](unsigned char c) { return c <= ' ' || c > '~'; };
    if (!url.starts_with("https://") || std::any_of(url.begin(), url.end(), isOdd))
        throw std::runtime_error("the redirect session has no usable URL");
    co_return seeOther(url);
}

}  // namespace storefront
