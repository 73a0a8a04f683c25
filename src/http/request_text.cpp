#include "http/request_text.hpp"

#include <charconv>

namespace wix::detail {

void writeRequest(std::string& out, const WireRequest& request) {
    out.clear();
    out.append(request.method).append(" ").append(request.target);
    out.append(" HTTP/1.1\r\nHost: ").append(request.origin.hostHeader());
    out.append("\r\nAccept-Encoding: gzip, deflate\r\n");
    for (const auto& [name, value] : request.headers) out.append(name).append(": ").append(value).append("\r\n");
    const bool mayHaveBody = request.method != "GET" && request.method != "HEAD" && request.method != "OPTIONS";
    if (!request.body.empty() || (mayHaveBody && request.method != "DELETE")) {
        char digits[20];
        const auto end = std::to_chars(digits, digits + sizeof digits, request.body.size()).ptr;
        out.append("Content-Length: ").append(digits, end).append("\r\n");
    }
    out.append("\r\n").append(request.body);
}

std::string WireRequest::describe() const {
    return method + " " + origin.toString() + target.substr(0, target.find('?'));
}

}  // namespace wix::detail
