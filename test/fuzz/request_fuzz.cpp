// Methods, header fields and tokens of a caller. Whatever the rules let pass is one request on the wire, with these
// fields and no others; what they refuse is not repeated.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "http/header_lookup.hpp"
#include "http/request_text.hpp"
#include "http/url.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::fuzz;

namespace {

/// The lines of a head, as a server finds them. `body` is what comes behind it.
std::vector<std::string_view> linesOf(std::string_view text, std::string_view& body) {
    std::vector<std::string_view> lines;
    for (;;) {
        const std::size_t end = text.find_first_of("\r\n");
        require(end != text.npos && text.substr(end, 2) == "\r\n", "a line ends with CR LF");
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 2);
        if (line.empty()) break;
        lines.push_back(line);
    }
    body = text;
    return lines;
}

void checkWritten(const WireRequest& request) {
    std::string text;
    writeRequest(text, request);
    std::string_view body;
    const std::vector<std::string_view> lines = linesOf(text, body);
    require(body == request.body, "what follows the head is the body");
    require(lines.at(0) == request.method + " " + request.target + " HTTP/1.1", "the first line");
    std::size_t found = 0, lengths = 0, hosts = 0;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const std::size_t colon = lines[i].find(": ");
        require(colon != lines[i].npos, "a field has a name");
        const std::string_view name = lines[i].substr(0, colon), value = lines[i].substr(colon + 2);
        require(isToken(name), "a name is a token");
        if (equalsIgnoreCase(name, "host")) ++hosts;
        if (equalsIgnoreCase(name, "content-length")) {
            ++lengths;
            require(value == std::to_string(request.body.size()), "the length is the body's");
        }
        require(!equalsIgnoreCase(name, "transfer-encoding"), "no coding is announced");
        if (found < request.headers.size() && Header(name, value) == request.headers[found]) ++found;
    }
    require(hosts == 1 && lengths <= 1 && (lengths == 1 || request.body.empty()), "the framing is certain");
    require(found == request.headers.size(), "every field is there, in its order");
    // The request line, Host, and Accept-Encoding unless the caller gave one.
    const std::size_t own = findHeader(request.headers, "Accept-Encoding") ? 2 : 3;
    require(lines.size() == own + lengths + found, "and no other one");
}

/// A field that a caller gave: checked alone, with the canary in its value.
void checkRefusal(const Header& field, unsigned where) {
    const Header secret(field.first, withCanary(field.second, where));
    if (field.first.find(canary) != std::string::npos) return;
    if (const auto failure = checkCallerHeaders({secret})) {
        require(failure->code == Errc::invalid_header, "a refused field has its code");
        if (field.first.size() < 100) requireHarmless(*failure);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const unsigned where = input.number();
    WireRequest request;
    request.method = input.line();
    request.target = input.line();
    const std::string token(input.line());
    for (std::string_view line = input.line(); !line.empty(); line = input.line()) {
        const std::string_view name = line.substr(0, line.find(':'));
        request.headers.emplace_back(name, line.substr(std::min(name.size() + 1, line.size())));
        checkRefusal(request.headers.back(), where);
    }
    request.body = input.rest();

    const auto badMethod = checkMethod(request.method);
    if (badMethod) requireHarmless(*badMethod);
    const auto badHeader = checkCallerHeaders(request.headers);
    const ApiBase base(Origin(true, "www.wixapis.com", 443), "");
    const auto resolved = resolveTarget(request.target, base, {});
    if (badMethod || badHeader || !resolved) return 0;
    request.origin = resolved->origin;
    request.target = resolved->target;
    if (isSafeTokenValue(token)) request.headers.emplace_back("Authorization", token);
    checkWritten(request);
    // A path is shown, a query is not.
    if (request.method.size() > 100 || request.target.size() > 100) return 0;
    request.target = "/a?" + withCanary(request.target, where);
    if (request.method.find(canary) == std::string::npos) requireHarmless(request.describe());
    return 0;
}
