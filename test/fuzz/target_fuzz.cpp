// Request targets and the URLs of options. What is accepted goes to a configured origin, as one line of a request, and
// not out of a base's prefix; what is refused is not repeated.
#include <boost/url/parse.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "http/url.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::fuzz;

namespace {

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return (c | 0x20) - 'a' + 10;
}

/// As a server that decodes before it looks. Every escape in it must be whole.
std::string decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        require(i + 2 < text.size(), "an escape is whole");
        plain += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
        i += 2;
    }
    return plain;
}

void requireNoDots(std::string_view path) {
    const std::string plain = decoded(path);
    for (std::size_t begin = 0; begin < plain.size();) {
        const std::size_t end = std::min(plain.find_first_of("/\\", begin), plain.size());
        const std::string_view segment = std::string_view(plain).substr(begin, end - begin);
        const std::string_view name = segment.substr(0, segment.find(';'));
        require(name != "." && name != "..", "no segment leads out of a folder");
        begin = end + 1;
    }
}

/// One line of a request, in origin form.
void requireOnTheWire(std::string_view target) {
    require(target.starts_with('/') && !target.starts_with("//"), "a target starts with exactly one slash");
    require(std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c <= '~'; }),
            "a target is visible ASCII");
    require(target.find_first_of("#\\") == target.npos, "a target has no fragment and no backslash");
    require(boost::urls::parse_origin_form({target.data(), target.size()}).has_value(), "a target is in origin form");
    requireNoDots(target.substr(0, target.find('?')));
}

bool isBelow(std::string_view target, const ApiBase& base) {
    if (!target.starts_with(base.pathPrefix)) return false;
    const std::string_view left = target.substr(base.pathPrefix.size());
    return left.empty() || left[0] == '/' || left[0] == '?';
}

void resolve(std::string_view text, const ApiBase& relativeTo, const std::vector<ApiBase>& bases) {
    const auto resolved = resolveTarget(text, relativeTo, bases);
    if (!resolved) {
        require(resolved.error().code == Errc::invalid_target, "a refused target has its code");
        return requireHarmless(resolved.error());
    }
    requireOnTheWire(resolved->target);
    const auto serves = [&](const ApiBase& base) {
        return base.origin == resolved->origin && isBelow(resolved->target, base);
    };
    if (!text.starts_with('/')) return require(std::any_of(bases.begin(), bases.end(), serves), "a base serves it");
    require(serves(relativeTo), "a path stays where it belongs");
    require(resolved->target == relativeTo.pathPrefix + std::string(text), "a path is not rewritten");
}

void readBase(std::string_view text, bool plainHttp) {
    const auto base = parseApiBase("ClientOptions::apiUrl", text, plainHttp);
    if (!base) {
        require(base.error().code == Errc::invalid_argument, "a refused URL has its code");
        return requireHarmless(base.error());
    }
    require(base->origin.tls || plainHttp, "plain HTTP is asked for");
    require(base->origin.port != 0 && !base->origin.host.empty(), "an origin is whole");
    if (!base->pathPrefix.empty()) {
        requireOnTheWire(base->pathPrefix);
        require(!base->pathPrefix.ends_with('/') && base->pathPrefix.find('?') == std::string::npos, "a prefix");
    }
    const std::string written = base->origin.toString() + base->pathPrefix;
    const auto again = parseApiBase("ClientOptions::apiUrl", written, plainHttp);
    require(again && again->origin == base->origin && again->pathPrefix == base->pathPrefix, "a URL reads as written");
    // Whatever a base is, it serves its own URL, and nothing else does.
    const std::vector<ApiBase> only = {*base};
    resolve(written, *base, only);
    resolve("/a", *base, only);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<ApiBase> bases = {ApiBase(Origin(true, "www.wixapis.com", 443), ""),
                                               ApiBase(Origin(true, "edge.wixapis.com", 443), "/v1"),
                                               ApiBase(Origin(false, "::1", 8080), "/a/b")};
    Input input(data, size);
    const unsigned how = input.number();
    const unsigned where = input.number();
    const std::string_view text = input.rest();
    const std::string secret = withCanary(text, where);
    const ApiBase& base = bases[how % bases.size()];
    resolve(text, base, bases);
    resolve(secret, base, bases);
    readBase(text, (how & 4) != 0);
    readBase(secret, (how & 4) != 0);
    return 0;
}
