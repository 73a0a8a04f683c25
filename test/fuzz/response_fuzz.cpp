// An answer's head and body. What comes out does not depend on how the bytes were split, keeps the limits, and a reader
// that is used again is as good as a new one.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "http/header_rules.hpp"
#include "http/response_reader.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::fuzz;
using State = ResponseReader::State;

namespace {

enum class End { open, clean, broken };

/// How an input is to be read.
struct Plan {
    ResponseLimits limits;
    bool answerToHead = false;
    End end = End::open;
};

/// All that is seen of an answer.
struct Outcome {
    std::string text;
    std::size_t taken = 0;
    bool reusable = false;
};

void append(std::string& text, std::string_view part) {
    text.append(std::to_string(part.size())).append(":").append(part);
}

void checkReply(const HttpReply& reply, const Plan& plan) {
    require(reply.status >= 200 && reply.status <= 999, "a final answer has a final status");
    require(reply.body.size() <= plan.limits.bodyBytes, "a body keeps its limit");
    std::size_t headers = 0;
    for (const auto& [name, value] : reply.headers) {
        headers += name.size() + value.size();
        require(isToken(name), "a header name is a token");
        require(value.find_first_of(std::string_view("\r\n\0", 3)) == value.npos, "a header value is one line");
    }
    require(headers <= plan.limits.headerBytes, "a head keeps its limit");
    require(!plan.answerToHead || reply.body.empty(), "an answer to HEAD has no body");
}

Outcome outcomeOf(ResponseReader& reader, std::size_t taken, const Plan& plan) {
    Outcome outcome;
    outcome.taken = taken;
    outcome.reusable = reader.reusable();
    append(outcome.text, std::to_string(static_cast<int>(reader.state())));
    if (reader.state() == State::failed) {
        requireHarmless(reader.failure());
        append(outcome.text, reader.failure().context);
    }
    require(reader.state() == State::done || !outcome.reusable, "only a whole answer leaves a connection for another");
    if (reader.state() != State::done) return outcome;
    require(!reader.failure().code, "what is done has not failed");
    require(reader.sawAnyByte(), "an answer has bytes");
    const HttpReply reply = reader.takeReply();
    checkReply(reply, plan);
    append(outcome.text, std::to_string(reply.status));
    for (const auto& [name, value] : reply.headers) {
        append(outcome.text, name);
        append(outcome.text, value);
    }
    append(outcome.text, reply.body);
    return outcome;
}

/// Feeds `bytes` in parts that `partSize` gives the sizes of.
template <class PartSize>
Outcome read(ResponseReader& reader, std::string_view bytes, const Plan& plan, PartSize partSize) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        const std::size_t size = std::clamp<std::size_t>(partSize(), 1, bytes.size() - taken);
        // A copy of its own: a read past the end is then seen.
        const std::vector<char> part(bytes.begin() + static_cast<std::ptrdiff_t>(taken),
                                     bytes.begin() + static_cast<std::ptrdiff_t>(taken + size));
        const std::size_t used = reader.feed(part.data(), part.size());
        require(used <= size, "a reader takes no more than it is given");
        taken += used;
        const bool over = reader.state() == State::done || reader.state() == State::failed;
        require(over || used == size, "a reader that wants more has taken everything");
        if (over) break;
    }
    if (plan.end != End::open) reader.finishAtEof(plan.end == End::clean);
    return outcomeOf(reader, taken, plan);
}

void requireSame(const Outcome& a, const Outcome& b) {
    require(a.text == b.text, "the outcome does not depend on the splitting");
    require(a.reusable == b.reusable, "nor does what the connection is good for");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    Plan plan;
    const unsigned how = input.number();
    plan.answerToHead = (how & 1) != 0;
    plan.end = (how & 2) == 0 ? End::open : (how & 4) == 0 ? End::clean : End::broken;
    plan.limits = (how & 8) == 0 ? ResponseLimits(512, 100) : ResponseLimits(8192, 65536);
    unsigned seed = input.number();
    const std::string_view bytes = input.rest();

    ResponseReader reader(plan.limits, plan.answerToHead);
    const Outcome whole = read(reader, bytes, plan, [&] { return bytes.size(); });
    ResponseReader slow(plan.limits, plan.answerToHead);
    const Outcome single = read(slow, bytes, plan, [] { return std::size_t{1}; });
    requireSame(whole, single);
    ResponseReader uneven(plan.limits, plan.answerToHead);
    const Outcome parts = read(uneven, bytes, plan, [&] {
        seed = seed * 1103515245u + 12345u;
        return std::size_t{seed >> 16 & 31};
    });
    requireSame(whole, parts);
    if (whole.reusable)
        require(whole.taken == single.taken && whole.taken == parts.taken, "an answer ends at one place");
    if (whole.text.starts_with("1:3")) return 0;  // failed

    // Another answer on the same connection.
    ResponseReader fresh(plan.limits, !plan.answerToHead);
    plan.answerToHead = !plan.answerToHead;
    const std::string_view next = bytes.substr(whole.taken);
    reader.reset(plan.answerToHead);
    uneven.reset(plan.answerToHead);
    const Outcome second = read(fresh, next, plan, [&] { return next.size(); });
    requireSame(second, read(reader, next, plan, [] { return std::size_t{7}; }));
    requireSame(second, read(uneven, next, plan, [&] { return next.size(); }));
    return 0;
}
