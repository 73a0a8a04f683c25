#include "base/lenient_json.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>

namespace json = boost::json;

namespace wix::detail {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::string_view byteOrderMark = "\xEF\xBB\xBF";

bool isBetween(unsigned char c, unsigned first, unsigned last) noexcept { return c >= first && c <= last; }

/// A sequence of UTF-8, or the part of one that has to be replaced as a whole.
struct Utf8Sequence {
    Utf8Sequence(std::size_t bytes, bool valid) : size(bytes), isValid(valid) {}
    std::size_t size;
    bool isValid;
};

/// The sequence at the start of `text`, which is not empty.
Utf8Sequence firstSequence(std::string_view text) noexcept {
    const auto byteAt = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byteAt(0);
    if (lead < 0x80) return {1, true};
    const std::size_t size = isBetween(lead, 0xC2, 0xDF)   ? 2
                             : isBetween(lead, 0xE0, 0xEF) ? 3
                             : isBetween(lead, 0xF0, 0xF4) ? 4
                                                           : 0;
    if (size == 0) return {1, false};
    // The second byte excludes overlong forms, surrogates, and what is beyond U+10FFFF.
    const unsigned first = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned last = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < size; ++i) {
        if (i == text.size() || !isBetween(byteAt(i), i == 1 ? first : 0x80, i == 1 ? last : 0xBF)) return {i, false};
    }
    return {size, true};
}

/// The code unit of an escape `\uXXXX` at the start of `text`; -1 if there is none.
int escapedUnit(std::string_view text) noexcept {
    if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return -1;
    int unit = 0;
    for (const char c : text.substr(2, 4)) {
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return -1;
        unit = 16 * unit + digit;
    }
    return unit;
}

bool isLeading(int unit) noexcept { return unit >= 0xD800 && unit <= 0xDBFF; }
bool isTrailing(int unit) noexcept { return unit >= 0xDC00 && unit <= 0xDFFF; }

/// Appends the escape at the start of `text` and returns how many bytes it has.
std::size_t appendEscape(std::string& out, std::string_view text) {
    const int unit = escapedUnit(text);
    if (isLeading(unit) && isTrailing(escapedUnit(text.substr(6)))) {
        out.append(text.substr(0, 12));
        return 12;
    }
    if (isLeading(unit) || isTrailing(unit)) {
        out.append("\\ufffd");
        return 6;
    }
    // An escaped backslash or quote is taken as one, so that what follows is not mistaken. Its second byte may be invalid.
    const std::size_t size = text.size() > 1 && static_cast<unsigned char>(text[1]) < 0x80 ? 2 : 1;
    out.append(text.substr(0, size));
    return size;
}

JsonProblem parseInto(json::value& value, std::string_view text) {
    // A value takes at least two bytes.
    if (text.size() >= 2 * maxJsonValues && countJsonValues(text) > maxJsonValues) return JsonProblem::tooManyValues;
    json::parse_options options;
    options.max_depth = maxJsonDepth;
    boost::system::error_code ec;
    value = json::parse(json::string_view(text.data(), text.size()), ec, {}, options);
    if (!ec) return JsonProblem::none;
    value = nullptr;
    return ec == json::error::too_deep ? JsonProblem::tooDeep : JsonProblem::notJson;
}

}  // namespace

JsonBody parseJsonBody(std::string_view text) {
    JsonBody body;
    body.problem = parseInto(body.value, text);
    if (body.problem != JsonProblem::notJson) return body;
    // Boost.JSON reports invalid UTF-8 as any other error of syntax, so the repair itself tells whether there is some.
    std::string repaired = repairJson(text);
    if (repaired == text) return body;
    body.problem = parseInto(body.value, repaired);
    if (body.problem == JsonProblem::none) body.repaired = std::move(repaired);
    return body;
}

std::string repairJson(std::string_view text) {
    text = withoutByteOrderMark(text);
    std::string out;
    out.reserve(text.size() + 16);
    while (!text.empty()) {
        if (text.front() == '\\') {
            text.remove_prefix(appendEscape(out, text));
            continue;
        }
        const Utf8Sequence sequence = firstSequence(text);
        out.append(sequence.isValid ? text.substr(0, sequence.size) : replacement);
        text.remove_prefix(sequence.size);
    }
    return out;
}

std::string_view withoutByteOrderMark(std::string_view text) noexcept {
    return text.starts_with(byteOrderMark) ? text.substr(byteOrderMark.size()) : text;
}

std::size_t countJsonValues(std::string_view text) noexcept {
    std::size_t values = 1;
    bool inString = false;
    char before = '\0';  // the last significant character outside of strings
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inString) {
            if (c == '\\') ++i;
            if (c == '"') inString = false;
            continue;
        }
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
        if (c == '"') inString = true;
        if (c == ',') ++values;
        if ((before == '[' && c != ']') || (before == '{' && c != '}')) ++values;
        before = c;
    }
    return values;
}

}  // namespace wix::detail
