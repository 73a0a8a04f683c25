#include "replies.hpp"

#include <wix/error.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

#include "metrics.hpp"
#include "pages.hpp"

namespace storefront {

namespace {

Response reply(std::string body, std::string_view type, http::status status) {
    Response made(status, 11);
    made.set(http::field::content_type, type);
    made.set(http::field::cache_control, "no-store");
    made.set("X-Content-Type-Options", "nosniff");
    made.set("Referrer-Policy", "same-origin");  // with no-referrer, browsers hide the origin of our own forms
    // Forms may end at Wix's checkout, on the site's own domain.
    made.set("Content-Security-Policy",
             "default-src 'none'; style-src 'self'; img-src https://static.wixstatic.com; form-action 'self' https:; "
             "base-uri 'none'; frame-ancestors 'none'");
    made.body() = std::move(body);
    return made;
}

int hexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    throw Refusal(http::status::bad_request, "The form is malformed.");
}

std::string decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i] == '+' ? ' ' : text[i];
            continue;
        }
        if (i + 2 >= text.size()) throw Refusal(http::status::bad_request, "The form is malformed.");
        plain += static_cast<char>(hexDigit(text[i + 1]) * 16 + hexDigit(text[i + 2]));
        i += 2;
    }
    return plain;
}

Response failure(http::status status, const std::string& title, const std::string& message,
                 const std::string& reference) {
    Response made = htmlReply(messagePage(title, message, reference), status);
    if (status == http::status::service_unavailable) made.set(http::field::retry_after, "5");
    return made;
}

/// Whether trying again soon may help; otherwise somebody has to look.
bool passes(const wix::Error& error) {
    return error.code() == wix::Errc::too_many_sessions || error.code() == wix::Errc::token_unavailable ||
           error.code() == wix::Errc::storage_unavailable || error.code() == asio::error::operation_aborted;
}

}  // namespace

Response htmlReply(std::string page, http::status status) {
    return reply(std::move(page), "text/html; charset=utf-8", status);
}

Response textReply(std::string text, http::status status) {
    return reply(std::move(text), "text/plain; charset=utf-8", status);
}

Response seeOther(std::string_view where) {
    Response made = reply(std::string(), "text/plain; charset=utf-8", http::status::see_other);
    made.set(http::field::location, where);
    return made;
}

Response failurePage(std::exception_ptr thrown, const std::string& reference, const std::string& request) {
    const auto report = [&](const char* what) { log("request " + reference + " " + request + ": " + what); };
    constexpr auto unavailable = http::status::service_unavailable;
    try {
        std::rethrow_exception(std::move(thrown));
    } catch (const Refusal& refusal) {
        return failure(refusal.status, std::string(http::obsolete_reason(refusal.status)), refusal.what(), "");
    } catch (const wix::ApiError& error) {
        if (error.status() == 404)
            return failure(http::status::not_found, "Not found", "This is not here any more.", "");
        report(error.what());
        if (error.status() == 429)
            return failure(unavailable, "Just a moment", "So many visitors! Please try again.", reference);
        if (error.status() == 409 || error.status() == 400)
            return failure(http::status::conflict, "That is not possible", error.description(), reference);
        return failure(http::status::bad_gateway, "Sorry", "Something went wrong. Please try again.", reference);
    } catch (const wix::Error& error) {
        report(error.what());
        if (error.maybeSent())
            return failure(http::status::bad_gateway, "We are not sure",
                           "We could not find out whether that worked. Your cart shows what counts.", reference);
        return failure(passes(error) ? unavailable : http::status::bad_gateway, "Just a moment",
                       "The shop cannot be reached. Please try again.", reference);
    } catch (const std::exception& error) {
        report(error.what());
    }
    return failure(http::status::internal_server_error, "Sorry", "Something went wrong.", reference);
}

std::map<std::string, std::string> parseFields(std::string_view text) {
    std::map<std::string, std::string> fields;
    while (!text.empty()) {
        const std::string_view field = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(field.size() + 1, text.size()));
        const std::size_t middle = std::min(field.find('='), field.size());
        const std::string_view value = field.substr(std::min(middle + 1, field.size()));
        fields.insert_or_assign(decoded(field.substr(0, middle)), decoded(value));
    }
    return fields;
}

std::string checkedId(std::string text) {
    const auto isPlain = [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    };
    if (text.empty() || text.size() > 100 || !std::all_of(text.begin(), text.end(), isPlain))
        throw Refusal(http::status::not_found, "There is nothing here.");
    return text;
}

std::string idFrom(const std::map<std::string, std::string>& fields, const std::string& name) {
    const auto found = fields.find(name);
    if (found == fields.end()) throw Refusal(http::status::bad_request, "The form is incomplete.");
    return checkedId(found->second);
}

int quantityFrom(const std::map<std::string, std::string>& fields) {
    const auto found = fields.find("quantity");
    const std::string text = found == fields.end() ? "" : found->second;
    int quantity = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), quantity);
    if (error != std::errc() || end != text.data() + text.size() || quantity < 1 || quantity > 99)
        throw Refusal(http::status::bad_request, "A quantity is a number from 1 to 99.");
    return quantity;
}

}  // namespace storefront
