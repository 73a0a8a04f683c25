#include "http/request_text.hpp"

#include <charconv>

#include "http/header_lookup.hpp"
#include "http/header_rules.hpp"

namespace wix::detail {
namespace {

void appendLength(std::string& out, std::uint64_t size) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, size).ptr;
    out.append("Content-Length: ").append(digits, end).append("\r\n");
}

void appendField(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

/// The Accept-Encoding that the transport adds; empty if the caller has one.
std::string_view acceptedCodings(const WireRequest& request) noexcept {
    // What goes through a sink is large, and mostly compressed by its kind.
    bool isWhole = !request.sink;
    for (const Header& field : request.headers) {
        if (equalsIgnoreCase(field.first, "Accept-Encoding")) return {};
        // A range of an encoded body cannot be decoded (RFC 9110 14.1.2).
        if (equalsIgnoreCase(field.first, "Range")) isWhole = false;
    }
    return isWhole ? "gzip, deflate" : "identity";
}

}  // namespace

void writeRequest(std::string& out, const WireRequest& request, std::optional<std::uint64_t> sourceSize) {
    out.clear();
    out.append(request.method).append(" ").append(request.target);
    out.append(" HTTP/1.1\r\nHost: ");
    request.origin.appendHostHeader(out);
    out.append("\r\n");
    if (const auto codings = acceptedCodings(request); !codings.empty()) appendField(out, "Accept-Encoding", codings);
    for (const auto& [name, value] : request.headers) appendField(out, name, value);
    if (request.authorization) appendField(out, "Authorization", *request.authorization);
    if (!request.consistency.empty()) appendField(out, consistencyHeader, request.consistency);
    const bool mayHaveBody = request.method != "GET" && request.method != "HEAD" && request.method != "OPTIONS";
    if (request.source) {
        if (sourceSize)
            appendLength(out, *sourceSize);
        else
            out.append("Transfer-Encoding: chunked\r\n");
    } else if (!request.body.empty() || (mayHaveBody && request.method != "DELETE")) {
        appendLength(out, request.body.size());
    }
    out.append("\r\n").append(request.body);
}

std::string chunkOf(std::string_view bytes) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, bytes.size(), 16).ptr;
    std::string chunk(digits, end);
    return chunk.append("\r\n").append(bytes).append("\r\n");
}

bool WireRequest::keepsCoding() const noexcept { return !decodesAlways && findHeader(headers, "Accept-Encoding"); }

std::string WireRequest::describe() const {
    return method + " " + origin.toString() + target.substr(0, target.find('?'));
}

}  // namespace wix::detail
