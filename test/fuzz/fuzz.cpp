#include "fuzz/fuzz.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace wix::fuzz {
namespace {

/// What the SDK says of itself is a line or two.
constexpr std::size_t longestText = 400;

}  // namespace

void require(bool holds, const char* rule) {
    if (holds) return;
    std::fprintf(stderr, "This does not hold: %s\n", rule);
    std::abort();
}

void requireHarmless(std::string_view text) {
    require(text.find(canary) == text.npos, "no text has a secret");
    require(text.size() <= longestText, "a text is short");
    require(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }),
            "a text is printable ASCII");
}

void requireHarmless(const Failure& failure) {
    require(failure.code.category() == errorCategory(), "a failure has a code of the SDK");
    require(!failure.context.empty(), "a failure says to what it happened");
    requireHarmless(failure.context);
    requireHarmless(Error(failure).what());
}

unsigned Input::number() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return value;
}

std::string_view Input::line() {
    const std::string_view taken = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(std::min(taken.size() + 1, rest_.size()));
    return taken;
}

std::string withCanary(std::string_view text, unsigned where) {
    std::string changed(text);
    return changed.insert(where % (text.size() + 1), canary);
}

}  // namespace wix::fuzz
