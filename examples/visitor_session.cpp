// One visitor of a Wix site over several runs of this program: the session sleeps in a file.
//
//     visitor_session --client-id ID [--storage FILE] [--api-url URL --ca FILE]
//
// The first run starts a session, fills a cart and reserves a ticket; the next ones find them again. With --api-url it
// talks to a fake Wix, asks it to expire all access tokens, and shows the server's counters.
#include <wix/wix.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <fstream>
#include <iostream>
#include <map>

namespace asio = boost::asio;
namespace json = boost::json;

const std::string storesApp = "215238eb-22a5-4c36-9e7b-e7c08025e04e";  // Wix Stores, on every site

void say(const std::string& what, const json::string& text) { std::cout << "  " << what << text.c_str() << "\n"; }

asio::awaitable<void> showCart(wix::Client client) {
    json::value cart = co_await client.get("/ecom/v1/carts/current");
    say("cart:        ", cart.at("cart").at("id").as_string());
    for (const auto& line : cart.at("cart").at("lineItems").as_array())
        say("             - ", line.at("productName").at("original").as_string());
}

asio::awaitable<void> fillCart(wix::Client client) {
    json::value found = co_await client.post("/stores-reader/v1/products/query",
                                             wix::object("query", wix::object("paging", wix::object("limit", 2))));
    json::array lines;
    for (const auto& product : found.at("products").as_array()) {
        say("product:     ", product.at("name").as_string());
        lines.push_back(wix::object("quantity", 1, "catalogReference",
                                    wix::object("appId", storesApp, "catalogItemId", product.at("id"))));
    }
    co_await client.post("/ecom/v1/carts/current/add-to-cart", wix::object("lineItems", std::move(lines)));
}

asio::awaitable<void> reserveTicket(wix::Client client, std::string noteFile) {
    json::value events = co_await client.post("/events/v3/events/query", wix::object("query", json::object()));
    json::value event = events.at("events").at(0);
    json::value onSale =
        co_await client.get("/events/v1/checkout/available-tickets?eventId=" + std::string(event.at("id").as_string()));
    json::value ticket = wix::object("ticketDefinitionId", onSale.at("definitions").at(0).at("id"), "quantity", 1);
    json::value made =
        co_await client.post("/events/v1/ticket-reservations",
                             wix::object("ticketReservation", wix::object("tickets", wix::array(std::move(ticket)))));
    std::ofstream(noteFile) << made.at("ticketReservation").at("id").as_string().c_str() << "\n";
}

asio::awaitable<void> showReservation(wix::Client client, std::string noteFile) {
    std::string id;
    std::getline(std::ifstream(noteFile), id);
    json::value kept = co_await client.get("/events/v1/ticket-reservations/" + id);
    say("reservation: ", kept.at("ticketReservation").at("id").as_string());
}

/// A real site may have no shop or no events: say so and go on. A fake one has everything.
asio::awaitable<void> step(std::string name, asio::awaitable<void> what, bool live) {
    wix::result<void> done = co_await wix::asResult(std::move(what));
    if (done.has_value()) co_return;
    if (!live || !done.error().apiError) wix::throw_exception_from_error(done.error(), boost::source_location());
    std::cout << "  " << name << " skipped: " << done.error().apiError->what() << "\n";
}

asio::awaitable<void> visit(wix::Client client, std::string noteFile, bool live) {
    const bool returns = !(co_await client.getTokens()).empty();
    wix::Tokens tokens = co_await client.generateVisitorTokens();  // the stored session, or a new one
    std::cout << "  session:     " << (returns ? "resumed" : "new") << ", role "
              << wix::roleName(tokens.refreshToken.role) << "\n";
    if (!returns) co_await step("cart", fillCart(client), live);
    co_await step("cart", showCart(client), live);
    if (live) co_return;  // a reservation would keep a real ticket from others
    if (!returns) co_await reserveTicket(client, noteFile);
    co_await showReservation(client, noteFile);
    if (returns) co_await client.post("/_fake/config", wix::object("expireAccessTokens", true));
}

/// `count` calls at the same time: each meets the expired token, one renewal serves them all.
int callAtOnce(asio::io_context& io, const wix::Client& client, int count) {
    int answered = 0;
    for (int i = 0; i < count; ++i)
        asio::co_spawn(io, client.get("/ecom/v1/carts/current"), [&](std::exception_ptr failed, const json::value&) {
            if (!failed) ++answered;
        });
    io.restart();
    io.run();
    return answered;
}

int main(int argc, char** argv) try {
    std::map<std::string, std::string> flags{
        {"--client-id", ""}, {"--api-url", ""}, {"--ca", ""}, {"--storage", "visitor-session.json"}};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc || !flags.contains(argv[i]))
            throw std::runtime_error(
                "usage: visitor_session --client-id ID [--storage FILE] [--api-url URL --ca FILE]");
        flags[argv[i]] = argv[i + 1];
    }
    const bool live = flags["--api-url"].empty();
    wix::ClientOptions options;
    if (!live) options.apiUrl = flags["--api-url"];
    options.transport.tls.caFile = flags["--ca"];
    wix::OAuthStrategy auth{flags["--client-id"]};
    auth.storage = std::make_shared<wix::FileTokenStorage>(flags["--storage"]);

    asio::io_context io;
    const wix::Client client{io.get_executor(), auth, options};
    const std::string noteFile = flags["--storage"] + ".reservation";
    asio::co_spawn(io, visit(client, noteFile, live), wix::rethrow);
    io.run();
    if (live) return 0;

    std::cout << "  100 calls at once: " << callAtOnce(io, client, 100) << " answered\n";
    json::value state;
    asio::co_spawn(io, client.get("/_fake/state"),
                   [&](std::exception_ptr, json::value given) { state = std::move(given); });
    io.restart();
    io.run();
    std::cout << "  server:      visitors " << state.at("visitors") << ", new sessions "
              << state.at("tokens").at("anonymous") << ", renewals " << state.at("tokens").at("refresh_token") << "\n";
} catch (const std::exception& error) {
    std::cerr << "visitor_session: " << error.what() << "\n";
    return 1;
}
