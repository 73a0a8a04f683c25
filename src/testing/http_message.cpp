#include "testing/http_message.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>

#include "testing/encoding.hpp"

namespace wix::testing::detail {

namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view reasonOf(int status) noexcept {
    switch (status) {
        case 200:
            return "OK";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 409:
            return "Conflict";
        case 413:
            return "Payload Too Large";
        case 429:
            return "Too Many Requests";
        case 500:
            return "Internal Server Error";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        default:
            return "Scripted";
    }
}

}  // namespace

bool equalsIgnoringCase(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view findHeader(const HeaderList& headers, std::string_view name) noexcept {
    for (const auto& [key, value] : headers) {
        if (equalsIgnoringCase(key, name)) return value;
    }
    return {};
}

HttpRequest::HttpRequest(std::string methodText, std::string targetText, HeaderList headerList, std::string bodyText)
    : method(std::move(methodText)),
      target(std::move(targetText)),
      headers(std::move(headerList)),
      body(std::move(bodyText)) {
    const std::string_view whole = target;
    const auto mark = whole.find('?');
    path = percentDecode(whole.substr(0, mark), PlusSign::kept);
    if (mark != std::string_view::npos) query = parseForm(whole.substr(mark + 1));
}

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
    for (const auto& [key, value] : query) {
        if (key == name) return value;
    }
    return std::nullopt;
}

std::vector<std::string> HttpRequest::parameters(std::string_view name) const {
    std::vector<std::string> found;
    for (const auto& [key, value] : query) {
        if (key == name) found.push_back(value);
    }
    return found;
}

HttpReply::HttpReply(int statusCode, const boost::json::value& content)
    : status(statusCode), body(boost::json::serialize(content)) {
    headers.emplace_back("Content-Type", "application/json");
}

HeaderList parseForm(std::string_view text) {
    HeaderList fields;
    while (!text.empty()) {
        const std::string_view pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(pair.size() + 1, text.size()));
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        const std::string_view value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
        fields.emplace_back(percentDecode(pair.substr(0, equals), PlusSign::space),
                            percentDecode(value, PlusSign::space));
    }
    return fields;
}

WireReply toWire(const HttpReply& reply, bool keepAlive) {
    WireReply wire;
    std::string& text = wire.text;
    text.reserve(256 + reply.body.size());
    text.append("HTTP/1.1 ").append(std::to_string(reply.status)).append(" ").append(reasonOf(reply.status));
    text.append("\r\n");
    for (const auto& [name, value] : reply.headers) text.append(name).append(": ").append(value).append("\r\n");
    text.append("Content-Length: ").append(std::to_string(reply.body.size())).append("\r\n");
    if (!keepAlive) text.append("Connection: close\r\n");
    text.append("\r\n");
    wire.bodyAt = text.size();
    text.append(reply.body);
    return wire;
}

}  // namespace wix::testing::detail
