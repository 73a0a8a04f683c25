#include "http/streamed_exchange.hpp"

#include <optional>
#include <string>
#include <utility>

#include "http/content_decoder.hpp"
#include "http/header_lookup.hpp"
#include "http/request_text.hpp"

namespace asio = boost::asio;

namespace wix::detail {
namespace {

constexpr std::size_t pieceSize = std::size_t{64} << 10;

ExchangeOutcome failed(Errc code, const WireRequest& request, const char* why, bool sawAnswer) {
    Failure failure(code, request.describe() + ": " + why);
    failure.maybeSent = true;
    ExchangeOutcome outcome((result<HttpReply>(std::move(failure))));
    outcome.sawAnswer = sawAnswer;
    return outcome;
}

/// What goes on the wire for the next bytes of a source: nothing if there is nothing to send for them.
class Framing {
public:
    explicit Framing(std::optional<std::uint64_t> size) : left_(size) {}

    /// False if the source does not keep to its size.
    bool accepts(std::size_t bytes) const noexcept {
        if (!left_) return true;
        return bytes == 0 ? *left_ == 0 : bytes <= *left_;
    }
    std::string frame(std::string bytes) {
        if (!left_) return chunkOf(bytes);
        *left_ -= bytes.size();
        return bytes;
    }

private:
    std::optional<std::uint64_t> left_;
};

/// Sends the request. The outcome is a failure, or says whether an answer waits already; `all` tells whether everything
/// has been sent.
asio::awaitable<ExchangeOutcome> sendAll(Connection& connection, const WireRequestPtr& request,
                                         const WaitLimits& limits, bool& all) {
    std::optional<std::uint64_t> size;
    if (request->source) size = request->source->size();
    std::string head;
    writeRequest(head, *request, size);
    ExchangeOutcome step = co_await connection.sendPart(std::move(head), request, true, limits);
    all = !request->source;
    if (all) co_return step;
    Framing framing(size);
    while (!all && step.reply.has_value() && !step.sawAnswer) {
        std::string bytes = co_await request->source->read(pieceSize);
        if (bytes.size() > pieceSize || !framing.accepts(bytes.size()))
            co_return failed(Errc::invalid_argument, *request, "BodySource::read() gave another size than it was to",
                             false);
        all = bytes.empty();
        std::string framed = framing.frame(std::move(bytes));
        if (framed.empty()) break;
        step = co_await connection.sendPart(std::move(framed), request, false, limits);
    }
    co_return step;
}

}  // namespace

asio::awaitable<ExchangeOutcome> streamedExchange(Connection& connection, const WireRequestPtr& request,
                                                  const WaitLimits& limits) {
    bool sentAll = false;
    ExchangeOutcome step = co_await sendAll(connection, request, limits, sentAll);
    if (step.reply.has_error()) co_return step;

    HttpReply whole;
    bool hasHead = false;
    do {
        step = co_await connection.receivePart(request, limits);
        if (step.reply.has_error()) co_return step;
        HttpReply part = std::move(*step.reply);
        if (!hasHead) {
            hasHead = true;
            whole.status = part.status;
            whole.headers = std::move(part.headers);
        }
        const bool intoSink = request->sink && whole.status >= 200 && whole.status <= 299;
        if (!intoSink) {
            whole.body = std::move(part.body);
            continue;
        }
        if (part.body.empty()) continue;  // nothing to decode either
        if (!request->keepsCoding() && isCoded(findListHeader(whole.headers, "content-encoding").value_or("")))
            co_return failed(Errc::response_invalid, *request, "HTTP answer: a content coding that was not asked for",
                             true);
        co_await request->sink->write(std::move(part.body));
    } while (!step.isComplete);
    step.reply = std::move(whole);
    step.reusable = step.reusable && sentAll;
    co_return step;
}

}  // namespace wix::detail
