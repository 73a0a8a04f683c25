#include "http/response_reader.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "http/kept_buffer.hpp"
#include "http/response_parser.hpp"

namespace wix::detail {
namespace {

constexpr int maxInterimAnswers = 8;
constexpr std::size_t maxChunkLine = 1024;  // size, extensions and line ends: nobody needs extensions
constexpr std::string_view protocol = "HTTP/1.";

enum class LineFlaw { none, tooLong, openQuotes };

/// Whether a complete head belongs to a successful response.
bool isSuccess(std::string_view head) noexcept {
    const std::size_t space = head.find(' ');
    return space != head.npos && head.substr(space + 1, 1) == "2";
}

/// `head` without its framing headers.
std::string withoutFraming(std::string_view head) {
    std::string kept;
    kept.reserve(head.size());
    while (!head.empty()) {
        const std::string_view line = head.substr(0, head.find('\n') + 1);
        const std::string_view name = line.substr(0, line.find(':'));
        if (!equalsIgnoreCase(name, "transfer-encoding") && !equalsIgnoreCase(name, "content-length")) kept += line;
        head.remove_prefix(line.size());
    }
    return kept;
}

/// What Beast 1.81 does not see in a chunk's line. A quoted extension it reads on behind the line, and each time that the
/// quotes do not end there it counts the chunk against the body's limit once more. `text` begins with the end of the
/// chunk before it, if there was one.
LineFlaw flawOfChunkLine(std::string_view text, bool firstChunk) noexcept {
    if (!firstChunk && !text.starts_with("\r\n")) return LineFlaw::none;  // Beast refuses it
    const std::size_t begin = firstChunk ? 0 : 2;
    const std::size_t end = text.find('\r', begin);
    if ((end == text.npos ? text.size() : end + 2) > maxChunkLine) return LineFlaw::tooLong;
    if (end == text.npos || text.substr(end, 2) != "\r\n") return LineFlaw::none;  // not complete, or refused
    bool quoted = false;
    for (std::size_t i = begin; i < end; ++i) {
        if (text[i] == '"') quoted = !quoted;
        if (text[i] == '\\' && quoted) ++i;
    }
    return quoted ? LineFlaw::openQuotes : LineFlaw::none;
}

}  // namespace

std::size_t ResponseLimits::rawBodyBytes() const noexcept {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    constexpr std::size_t fixed = std::size_t{64} << 10;
    if (bodyBytes / 2 > most - bodyBytes) return most;
    const std::size_t body = bodyBytes + bodyBytes / 2;
    if (headerBytes > most - fixed || body > most - fixed - headerBytes) return most;
    return body + fixed + headerBytes;
}

struct ResponseReader::Impl {
    Impl(ResponseLimits l, bool head, bool parts) : limits(l), inParts(parts) { reset(head); }

    void reset(bool head) {
        answerToHead = head;
        ignoresFraming = false;
        state = State::head;
        failure = Failure();
        unlimited = tookHead = false;
        emptyBuffer(pending);
        headBytes = rawBodyBytes = 0;
        interimAnswers = 0;
        anyByte = sawHead = atEof = leftOut = false;
        beginHead();
    }

    void beginHead() {
        reply = HttpReply();
        firstChunk = true;
        headLines = 0;
        parser.emplace(reply, inParts ? withoutBodyLimit() : limits, answerToHead);
    }

    ResponseLimits withoutBodyLimit() const {
        return ResponseLimits(limits.headerBytes, std::numeric_limits<std::size_t>::max());
    }

    void fail(Errc code, std::string why) {
        state = State::failed;
        failure = Failure(code, "HTTP answer: " + std::move(why));
    }

    /// Whether the body of an error response may be left out. It is then left out.
    bool leaveBodyOut() {
        if (reply.status < 300 || limits.errorBodyBytes == std::numeric_limits<std::size_t>::max()) return false;
        reply.body = std::string();
        leftOut = true;
        state = State::done;
        return true;
    }

    void failTooLarge() {
        if (leaveBodyOut()) return;
        fail(Errc::response_too_large, "the body is larger than " + std::to_string(limits.bodyBytes) + " bytes");
    }

    void failParse(const ErrorCode& ec) {
        if (ec == http::error::body_limit) return failTooLarge();
        // Beast's texts are constants: nothing of the answer is in them.
        fail(Errc::response_invalid, parser->refusal() ? parser->refusal() : ec.message());
    }

    std::size_t feedHead(const char* data, std::size_t size);
    std::size_t feedBody(const char* data, std::size_t size);
    std::size_t scanHead(std::string_view head, std::size_t from);
    void parseHead(std::string_view head);
    std::size_t step(const char* data, std::size_t size);

    ResponseLimits limits;
    bool inParts = false;
    bool answerToHead = false;
    bool unlimited = false;  // the body of this answer is taken in parts
    bool tookHead = false;
    bool ignoresFraming = false;  // of a 2xx response: the request was CONNECT
    bool firstChunk = true;
    State state = State::head;
    Failure failure;
    HttpReply reply;
    std::optional<ResponseParser> parser;
    std::string pending;        // the beginning of a head or of a chunk's line
    std::size_t headBytes = 0;  // of complete interim heads
    std::size_t headLines = 0;  // of this head, so far
    std::size_t rawBodyBytes = 0;
    int interimAnswers = 0;
    bool anyByte = false;
    bool sawHead = false;
    bool atEof = false;
    bool leftOut = false;  // a body of which the rest is not read
};

/// Looks at `head` from `from` on (earlier bytes have been looked at): gives where the head ends, 0 if that has not
/// come yet. Fails early on what can only get worse, and on what Beast lets pass.
std::size_t ResponseReader::Impl::scanHead(std::string_view head, std::size_t from) {
    const std::string_view begin = head.substr(0, protocol.size());
    if (from < protocol.size() && begin != protocol.substr(0, begin.size())) {
        fail(Errc::response_invalid, "does not begin with HTTP/1");
        return 0;
    }
    const auto isFolded = [head](std::size_t i) {
        return i > 0 && i < head.size() && head[i - 1] == '\n' && (head[i] == ' ' || head[i] == '\t');
    };
    if (isFolded(from)) {
        fail(Errc::response_invalid, "a folded header line");
        return 0;
    }
    for (std::size_t i = head.find('\n', from); i != head.npos; i = head.find('\n', i + 1)) {
        ++headLines;
        if (head[i - 1] != '\r') {
            fail(Errc::response_invalid, "a line of the head ends without CR");
            return 0;
        }
        if (head[i - 2] == '\n') return i + 1;
        if (isFolded(i + 1)) {
            fail(Errc::response_invalid, "a folded header line");
            return 0;
        }
    }
    return 0;
}

std::size_t ResponseReader::Impl::feedHead(const char* data, std::size_t size) {
    const std::size_t budget = limits.headerBytes - headBytes;
    const std::size_t before = pending.size();
    std::string_view head(data, std::min(size, budget));
    if (before > 0) head = pending.append(data, std::min(size, budget - before));

    const std::size_t end = scanHead(head, before);
    if (state == State::failed) return 0;
    if (end == 0) {
        if (head.size() == budget) {
            fail(Errc::response_too_large, "the head is larger than " + std::to_string(limits.headerBytes) + " bytes");
            return 0;
        }
        if (before == 0) pending.assign(head);
        return size;
    }
    if (ignoresFraming && isSuccess(head))
        parseHead(withoutFraming(head.substr(0, end)));
    else
        parseHead(head.substr(0, end));
    emptyBuffer(pending);
    return end - before;
}

void ResponseReader::Impl::parseHead(std::string_view head) {
    reply.headers.reserve(headLines);
    ErrorCode ec;
    const std::size_t used = parser->put(boost::asio::const_buffer(head.data(), head.size()), ec);
    if (ec) return failParse(ec);
    if (used != head.size()) return fail(Errc::response_invalid, "a malformed head");
    sawHead = true;
    if (reply.status >= 200) {
        state = parser->is_done() ? State::done : State::body;
        unlimited = inParts && reply.status < 300;
        const std::size_t most =
            reply.status < 300 ? limits.bodyBytes : std::min(limits.bodyBytes, limits.errorBodyBytes);
        if ((inParts ? !unlimited : most < limits.bodyBytes) && state == State::body) {
            // Beast has let the length pass.
            if (parser->content_length().value_or(0) > most) return failTooLarge();
            parser->body_limit(most);
        }
        return;
    }
    if (reply.status == 101) return fail(Errc::response_invalid, "switches to another protocol");
    if (++interimAnswers > maxInterimAnswers) return fail(Errc::response_too_large, "too many interim answers");
    headBytes += head.size();
    beginHead();
}

/// One step of Beast's parser through the body: a chunk's line, or data. Gives 0 if it needs more, or failed.
std::size_t ResponseReader::Impl::step(const char* data, std::size_t size) {
    const bool line = parser->inChunkLine();
    const std::string_view text(data, size);
    // An empty body whose last chunk comes in pieces: Beast 1.81 asserts that it has seen five bytes by then.
    if (line && (text == "0\r\n" || text == "0\r\n\r")) return 0;
    const LineFlaw flaw = line ? flawOfChunkLine(text, firstChunk) : LineFlaw::none;
    if (flaw != LineFlaw::none) {
        if (flaw == LineFlaw::tooLong) fail(Errc::response_too_large, "a chunk's line is too long");
        if (flaw == LineFlaw::openQuotes) fail(Errc::response_invalid, "a malformed chunk");
        return 0;
    }
    // The last line is read together with the trailers.
    const std::size_t most = line ? maxChunkLine + limits.headerBytes : size;
    ErrorCode ec;
    const std::size_t used = parser->put(boost::asio::const_buffer(data, std::min(size, most)), ec);
    if (ec && ec != http::error::need_more) {
        failParse(ec);
        return 0;
    }
    rawBodyBytes += used;
    if (line && used > 0) firstChunk = false;
    const std::size_t waiting = used == 0 ? size : 0;
    if (line && waiting > most) {
        fail(Errc::response_too_large, "too many trailers");
        return 0;
    }
    if (!unlimited && rawBodyBytes + waiting > limits.rawBodyBytes()) {
        if (!leaveBodyOut()) fail(Errc::response_too_large, "the body has too many small chunks");
        return 0;
    }
    if (parser->is_done()) state = State::done;
    return used;
}

std::size_t ResponseReader::Impl::feedBody(const char* data, std::size_t size) {
    if (pending.empty()) {
        const std::size_t used = step(data, size);
        if (used > 0 || state != State::body) return used;
        pending.assign(data, size);
        return size;
    }
    // Line by line, so that no byte behind the line gets into `pending`.
    const void* end = std::memchr(data, '\n', size);
    const std::size_t taken = end ? static_cast<std::size_t>(static_cast<const char*>(end) - data) + 1 : size;
    pending.append(data, taken);
    const std::size_t used = step(pending.data(), pending.size());
    if (used > 0 && used < pending.size()) fail(Errc::response_invalid, "a malformed chunk");
    if (used > 0) emptyBuffer(pending);
    return taken;
}

ResponseReader::ResponseReader(ResponseLimits limits, bool answerToHead, bool inParts)
    : impl_(std::make_unique<Impl>(limits, answerToHead, inParts)) {}
ResponseReader::~ResponseReader() = default;
ResponseReader::ResponseReader(ResponseReader&&) noexcept = default;
ResponseReader& ResponseReader::operator=(ResponseReader&&) noexcept = default;

void ResponseReader::reset(bool answerToHead) { impl_->reset(answerToHead); }
void ResponseReader::reset(ResponseLimits limits, bool answerToHead, bool inParts) {
    impl_->limits = limits;
    impl_->inParts = inParts;
    impl_->reset(answerToHead);
}

void ResponseReader::resetForConnect(ResponseLimits limits) {
    reset(limits, true, false);
    impl_->ignoresFraming = true;
}

std::size_t ResponseReader::feed(const char* data, std::size_t size) {
    std::size_t taken = 0;
    while (taken < size && (impl_->state == State::head || impl_->state == State::body)) {
        impl_->anyByte = true;
        taken += impl_->state == State::head ? impl_->feedHead(data + taken, size - taken)
                                             : impl_->feedBody(data + taken, size - taken);
    }
    return taken;
}

void ResponseReader::finishAtEof(bool cleanClose) {
    impl_->atEof = true;
    if (impl_->state == State::head)
        return impl_->fail(Errc::response_truncated,
                           impl_->anyByte ? "ended within its head" : "the connection was closed");
    if (impl_->state != State::body) return;
    if (!impl_->parser->need_eof()) return impl_->fail(Errc::response_truncated, "ended within its body");
    if (!cleanClose) return impl_->fail(Errc::response_truncated, "a body without a length, and the connection broke");
    impl_->state = State::done;
}

ResponseReader::State ResponseReader::state() const noexcept { return impl_->state; }
bool ResponseReader::sawAnyByte() const noexcept { return impl_->anyByte; }
bool ResponseReader::sawHead() const noexcept { return impl_->sawHead; }
const Failure& ResponseReader::failure() const noexcept { return impl_->failure; }
const HttpReply& ResponseReader::reply() const noexcept { return impl_->reply; }

bool ResponseReader::hasPart() const noexcept {
    return impl_->state == State::body && impl_->unlimited && (!impl_->tookHead || !impl_->reply.body.empty());
}

HttpReply ResponseReader::takeReply() {
    impl_->tookHead = true;
    HttpReply taken = std::move(impl_->reply);
    impl_->reply = HttpReply();
    impl_->reply.status = taken.status;
    return taken;
}

bool ResponseReader::reusable() const noexcept {
    if (impl_->state != State::done || impl_->atEof || impl_->leftOut) return false;
    return impl_->parser->keep_alive() && impl_->parser->framingIsCertain();
}

}  // namespace wix::detail
