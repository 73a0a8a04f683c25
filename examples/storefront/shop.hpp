// What the shop does for a request: finds out whose it is, and answers it as that visitor.
#pragma once

#include <boost/algorithm/hex.hpp>

#include <unistd.h>

#include "metrics.hpp"
#include "pages.hpp"
#include "templates.hpp"

/// At most 256 bytes, in hexadecimal digits.
inline std::string randomHex(std::size_t bytes) {
    std::string random(bytes, '\0');
    if (::getentropy(random.data(), bytes) != 0) throw std::runtime_error("the system has no random bytes");
    return boost::algorithm::hex_lower(random);
}

class Shop {
public:
    /// `publicUrl` is what browsers call the shop.
    Shop(wix::VisitorSessions sessions, wix::Client house, const std::vector<wix::CookieKey>& keys,
         std::string publicUrl, std::shared_ptr<Metrics> metrics)
        : sessions_(std::move(sessions)),
          house_(std::move(house)),
          publicUrl_(std::move(publicUrl)),
          cookie_(keys, "session", cookieOptions(publicUrl_)),
          csrf_(keys, "csrf", cookieOptions(publicUrl_)),
          metrics_(std::move(metrics)) {}

    /// Never throws: what fails becomes a page, and a line in the log with the same reference.
    asio::awaitable<Response> handle(Request request, bool draining, std::size_t connections) {
        const std::string target(request.target());
        const std::string path = target.substr(0, target.find('?'));
        Response made;
        try {
            if (path == "/healthz")  // the front sends no one here while it is 503
                made = draining ? reply("draining\n", http::status::service_unavailable) : reply("ok\n");
            else if (path == "/metrics")  // not for the public: the front must not pass it on
                made = reply(metrics_->text(sessions_.statistics(), connections), http::status::ok, "text/plain");
            else if (path == "/style.css")
                made = reply(std::string(styleSheet), http::status::ok, "text/css");
            else
                made = co_await answer(request, path);
        } catch (...) {
            made = failurePage(std::string(request.method_string()) + " " + path.substr(0, 100));
        }
        metrics_->count("shop_requests_total{status=\"" + std::to_string(made.result_int()) + "\"}");
        co_return made;
    }

    asio::awaitable<void> close() {
        co_await sessions_.close();
        co_await house_.close();
    }

private:
    static wix::CookieOptions cookieOptions(const std::string& publicUrl) {
        wix::CookieOptions options;
        options.secure = publicUrl.starts_with("https://");
        if (!options.secure) options.name = "wix-session";  // the prefix __Host- is for https
        return options;
    }

    asio::awaitable<Response> answer(const Request& request, std::string_view path) {
        const Route& route = routeOf(path);
        const bool isForm = route.method == http::verb::post;
        if (request.method() != route.method && (isForm || request.method() != http::verb::head)) {
            Response refused = reply("", http::status::method_not_allowed);
            refused.set(http::field::allow, isForm ? "POST" : "GET, HEAD");
            co_return refused;
        }
        Call call(house_);
        call.publicUrl = publicUrl_;
        if (path != route.path) call.id = checkedId(path.substr(route.path.size()));
        call.fields = isForm ? request.body() : std::string(request.target().substr(path.size()));
        if (call.fields.starts_with('?')) call.fields.erase(0, 1);

        // A visitor without a cookie that can be opened is new. There may be several Cookie lines, and stale cookies.
        std::vector<std::string_view> cookies;
        for (auto [field, end] = request.equal_range(http::field::cookie); field != end; ++field)
            cookies.push_back(field->value());
        const wix::result<std::string> opened = cookie_.openFirst(cookies);
        const std::string key = opened.has_value() ? *opened : randomHex(16);
        if (opened.has_value()) call.client = co_await sessions_.open(key);
        if (!opened.has_value() && !cookie_.findAll(cookies).empty())
            writeLog("a session cookie was refused: the visitor gets a new session");

        // No cookie comes with a refusal: another site's form brings none, and a new one would replace the visitor's.
        if (isForm && !isOurs(request, call.field("csrf"), key))
            throw Refusal(http::status::forbidden, "This form was too old, or not from this shop. Please try again.");
        call.csrf = csrf_.seal(key);
        Response made = co_await route.run(call);
        made.set(http::field::set_cookie, cookie_.setCookie(cookie_.seal(key)));
        co_return made;
    }

    /// Whether a form was on a page of this visitor. Browsers say where it comes from; the token is for the others.
    bool isOurs(const Request& request, const std::string& csrf, const std::string& key) const {
        const std::string_view site = request["Sec-Fetch-Site"], origin = request[http::field::origin];
        const std::string host(request[http::field::host]);
        if (!site.empty() && site != "same-origin") return false;
        if (!origin.empty() && origin != "http://" + host && origin != "https://" + host) return false;
        const wix::result<std::string> opened = csrf_.open(csrf);
        return opened.has_value() && *opened == key;
    }

    /// For the exception that is being handled. Why goes to the log, under the reference on the page.
    Response failurePage(const std::string& request) const {
        http::status status = http::status::internal_server_error;
        std::string message = "Something went wrong. Please try again.", why;
        try {
            throw;
        } catch (const Refusal& refusal) {
            status = refusal.status;
            message = why = refusal.what();
        } catch (const wix::ApiError& error) {
            why = error.what();
            status = http::status::bad_gateway;
            if (error.status() == 404) status = http::status::not_found;
            if (error.status() == 429) status = http::status::service_unavailable;
            if (error.status() == 400 || error.status() == 409) status = http::status::conflict;
            if (status == http::status::conflict) message = "That is not possible: " + error.description();
        } catch (const wix::Error& error) {
            why = error.what();
            status = error.maybeSent() ? http::status::bad_gateway : http::status::service_unavailable;
            if (error.maybeSent()) message = "We do not know whether that worked. Your cart shows what counts.";
        } catch (const std::exception& error) {
            why = error.what();
        }
        const std::string reference = randomHex(8);
        writeLog("request " + reference + " " + request + ": " + why);
        return apology(Call(house_), status, wix::object("message", message, "reference", reference));
    }

    wix::VisitorSessions sessions_;
    wix::Client house_;
    std::string publicUrl_;
    wix::SessionCookie cookie_, csrf_;  // both seal the key of the visitor's session
    std::shared_ptr<Metrics> metrics_;
};
