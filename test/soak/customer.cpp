#include "customer.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace json = boost::json;

namespace wix::soak {
namespace {

const std::string cartPath = "/ecom/v1/carts/current";
const std::string markerName = "X-Request-Marker";

/// Deadlines are looked at every 100 ms, and a machine under load is late.
constexpr std::chrono::seconds tolerance{10};

OAuthStrategy strategyOf(Tokens tokens) {
    OAuthStrategy made("11111111-2222-3333-4444-555555555555");
    made.tokens = std::move(tokens);
    return made;
}

json::value oneMore(const std::string& name) {
    return object("customLineItems",
                  array(object("productName", object("original", name), "price", "1.00", "quantity", 1)));
}

}  // namespace

Customer::Customer(const Transport& transport, ClientOptions options, Tokens tokens, std::string name,
                   std::uint64_t seed)
    : client_(transport, strategyOf(tokens), std::move(options)),
      name_(std::move(name)),
      random_(seed),
      timer_(transport.executor()),
      first_(std::move(tokens)) {}

asio::awaitable<void> Customer::shop(Time end) {
    busy_ = true;
    while (std::chrono::steady_clock::now() < end) {
        if (happens(random_, 3))
            co_await renew();
        else
            co_await call();
        co_await pause(std::chrono::milliseconds(upTo(random_, 40)));
    }
    busy_ = false;
}

asio::awaitable<void> Customer::leave(Time giveUp) {
    busy_ = true;
    std::string last = "nothing";
    while (std::chrono::steady_clock::now() < giveUp) {
        const result<Response> got = co_await asResult(client_.fetch(Request("GET", cartPath)));
        if (got.has_value() && (got->status() == 200 || got->status() == 404)) {
            if (got->status() == 200) checkCart(*got);
            const Tokens tokens = co_await client_.getTokens();
            checkTokens(tokens);
            busy_ = false;
            co_return;
        }
        last = got.has_value() ? "HTTP " + std::to_string(got->status()) : Error(got.error()).what();
        co_await pause(100ms);  // a renewal that failed is not tried at once
    }
    tally_.violate(name_ + " does not recover in good weather: " + last);
    busy_ = false;
}

asio::awaitable<void> Customer::call() {
    bool sentOnce = false;
    std::string marker;
    Request request = nextRequest(sentOnce, marker);
    const std::chrono::milliseconds timeout = request.options().timeout.value();
    const Time begin = std::chrono::steady_clock::now();
    const result<Response> got = co_await asResult(client_.fetch(std::move(request)));
    checkTime(begin, timeout, marker);
    if (got.has_value()) {
        ++tally_.outcomes["HTTP " + std::to_string(got->status())];
        checkAnswer(*got, marker);
    } else {
        ++tally_.outcomes[outcomeName(got.error().code)];
    }
    if (!sentOnce) co_return;
    using Told = SentOnce::Told;
    Told told = Told::answered;
    if (got.has_error()) told = got.error().maybeSent ? Told::maybeSent : Told::notSent;
    if (got.has_value() && got->status() == 401) told = Told::notSent;
    tally_.sentOnce.emplace_back(marker, told);
}

Request Customer::nextRequest(bool& sentOnce, std::string& marker) {
    marker = name_ + "-" + std::to_string(++calls_);
    CallOptions options;
    options.headers.emplace_back(markerName, marker);
    options.timeout = happens(random_, 20) ? std::chrono::milliseconds(20 + upTo(random_, 200)) : 1500ms;
    const auto choice = upTo(random_, 99);
    sentOnce = choice < 40;
    if (sentOnce) {
        Request request("POST", cartPath + "/add-to-cart");
        request.json(oneMore(name_)).options(std::move(options));
        return request;
    }
    if (linesSeen_ > 8) {
        linesSeen_ = 0;
        Request request("DELETE", cartPath);
        request.options(std::move(options));
        return request;
    }
    if (choice < 55) {
        Request request("POST", "/stores-reader/v1/products/query");
        request.json(object()).options(std::move(options));
        return request;
    }
    Request request("GET", cartPath);
    request.options(std::move(options));
    return request;
}

asio::awaitable<void> Customer::renew() {
    const Time begin = std::chrono::steady_clock::now();
    const result<Tokens> got = co_await asResult(client_.renewToken());
    checkTime(begin, 2000ms, name_ + " renewToken()");
    if (got.has_value()) {
        ++tally_.outcomes["renewed"];
        checkTokens(*got);
    } else {
        ++tally_.outcomes["not renewed: " + outcomeName(got.error().code)];
    }
}

asio::awaitable<void> Customer::pause(std::chrono::milliseconds time) {
    boost::system::error_code ignored;
    timer_.expires_after(time);
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void Customer::checkAnswer(const Response& response, const std::string& marker) {
    const std::string echo(response.header(markerName).value_or("none"));
    if (echo != marker) tally_.violate("the answer to " + marker + " is that to " + echo);
    if (response.ok()) checkCart(response);
}

void Customer::checkCart(const Response& response) {
    const json::value body = response.json();
    if (!body.is_object() || !body.as_object().contains("cart")) return;
    const json::array& lines = body.at("cart").at("lineItems").as_array();
    linesSeen_ = lines.size();
    for (const json::value& line : lines) {
        const std::string owner(line.at("productName").at("original").as_string());
        if (owner != name_) tally_.violate(name_ + " was shown the cart of " + owner);
    }
}

void Customer::checkTokens(const Tokens& tokens) {
    if (tokens.refreshToken != first_.refreshToken) tally_.violate(name_ + " is another visitor than at first");
}

void Customer::checkTime(Time begin, std::chrono::milliseconds timeout, const std::string& what) {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    if (took > timeout + tolerance)
        tally_.violate(what + " took " + std::to_string(took.count()) + " ms instead of at most " +
                       std::to_string(timeout.count()));
}

}  // namespace wix::soak
