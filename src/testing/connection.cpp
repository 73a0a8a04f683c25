#include "testing/connection.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <array>
#include <string>
#include <utility>

#include "testing/compression.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace wix::testing::detail {

namespace {

using boost::system::error_code;

constexpr std::chrono::seconds handshakeLimit{10};
constexpr std::chrono::seconds transferLimit{30};
constexpr std::chrono::seconds closeLimit{2};
constexpr std::chrono::seconds holdLimit{60};
constexpr std::uint32_t maxHeadBytes = 64u << 10;  // Beast throws at a longer field
constexpr std::size_t maxDrainedBytes = 8u << 20;

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

/// Leaves the gate however the wait ends, also with the io_context.
class Held {
public:
    Held(Gate& gate, Gate::Id id) : gate_(gate), id_(id) {}
    ~Held() { gate_.leave(id_); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

private:
    Gate& gate_;
    Gate::Id id_;
};

class Counted {
public:
    explicit Counted(Core& core) : core_(core) { core_.connectionOpened(); }
    ~Counted() { core_.connectionClosed(); }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

private:
    Core& core_;
};

/// Beast's own errors are about what was sent, but for those two; all others are about the connection.
bool isMalformed(const error_code& error) {
    const error_code end = http::error::end_of_stream;
    return error.category() == end.category() && error != end && error != http::error::partial_message;
}

enum class Next {
    request,  ///< The connection is kept.
    close,    ///< It ends in order.
    cut,      ///< It ends now, without a word.
};

template <class Stream>
class Session {
public:
    Session(Stream& stream, Core& core, const ConnectionLimits& limits)
        : stream_(stream), core_(core), limits_(limits) {
        buffer_.reserve(16u << 10);
    }

    asio::awaitable<Next> serveRequests() {
        Next next = Next::request;
        while (next == Next::request) next = co_await serveOne();
        co_return next;
    }

    /// After close_notify, what the client still sends is read and dropped: closing with unread bytes would reset
    /// the connection and could destroy an answer that the client has not read yet.
    asio::awaitable<void> drain() {
        error_code error;
        tcp().expires_after(closeLimit);
        tcp().socket().shutdown(asio::ip::tcp::socket::shutdown_send, error);
        std::array<char, 4096> dropped;
        std::size_t total = 0;
        while (!error && total < maxDrainedBytes) {
            total += co_await tcp().async_read_some(asio::buffer(dropped), into(error));
        }
    }

private:
    using Parser = http::request_parser<http::string_body>;

    beast::tcp_stream& tcp() { return beast::get_lowest_layer(stream_); }

    asio::awaitable<Next> serveOne() {
        Parser parser;
        parser.header_limit(maxHeadBytes);
        parser.body_limit(boost::none);  // known endpoints answer 413 themselves, below
        tcp().expires_after(limits_.idleTimeout);
        error_code error;
        co_await http::async_read_header(stream_, buffer_, parser, into(error));
        if (error) {
            if (!isMalformed(error)) co_return Next::close;
            const HttpReply reply = core_.refuse(400, "BAD_REQUEST", "The request is not HTTP");
            co_await write(toWire(reply, false).text, error);
            co_return Next::close;
        }

        HttpRequest request = headOf(parser);
        const Plan plan = core_.onHead(request);
        if (plan.cutsAt(CutPoint::beforeRequest)) {
            core_.record(plan, request);
            co_return Next::cut;
        }
        const bool complete = co_await readBody(parser, error);
        if (error == http::error::body_limit) {
            core_.record(plan, request);
            const HttpReply reply = core_.refuse(413, "PAYLOAD_TOO_LARGE", "The body is too large");
            co_await write(toWire(reply, false).text, error);
            co_return Next::close;
        }
        if (!complete) co_return Next::cut;
        request.body = std::move(parser.get().body());
        core_.record(plan, request);
        co_return co_await reply(plan, request, parser.keep_alive());
    }

    HttpRequest headOf(const Parser& parser) {
        const auto& head = parser.get();
        HeaderList headers;
        for (const auto& field : head) headers.emplace_back(field.name_string(), field.value());
        return HttpRequest(head.method_string(), head.target(), std::move(headers), std::string());
    }

    asio::awaitable<bool> readBody(Parser& parser, error_code& error) {
        if (parser.content_length() && *parser.content_length() > limits_.maxBodyBytes) {
            error = http::error::body_limit;
            co_return false;
        }
        parser.body_limit(limits_.maxBodyBytes);
        tcp().expires_after(transferLimit);
        if (!parser.is_done() && beast::iequals(parser.get()[http::field::expect], "100-continue")) {
            const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
            co_await write(interim, error);
            if (error) co_return false;
        }
        co_await http::async_read(stream_, buffer_, parser, into(error));
        co_return !error;
    }

    asio::awaitable<Next> reply(const Plan& plan, const HttpRequest& request, bool keepAlive) {
        co_await waitIfHeld(plan, HoldPoint::beforeEffect);
        co_await pause(plan.delay);
        if (const RawAnswer* raw = plan.raw()) {
            error_code error;
            co_await waitIfHeld(plan, HoldPoint::beforeReply);
            co_await write(raw->bytes, error);
            co_return error ? Next::cut : raw->thenClose ? Next::close : Next::request;
        }
        HttpReply answer = core_.answer(plan, request);
        compressReply(answer, request.header("Accept-Encoding"));
        co_await waitIfHeld(plan, HoldPoint::beforeReply);

        WireReply wire = toWire(answer, keepAlive);
        const bool cut = plan.fault && std::holds_alternative<CutPoint>(*plan.fault);
        if (request.method == "HEAD") wire.text.resize(wire.bodyAt);
        if (plan.cutsAt(CutPoint::afterRequest)) co_return Next::cut;
        if (plan.cutsAt(CutPoint::afterHeaders)) wire.text.resize(wire.bodyAt);
        if (plan.cutsAt(CutPoint::midBody)) wire.text.resize(wire.bodyAt + (wire.text.size() - wire.bodyAt) / 2);
        error_code error;
        if (const Drip* drip = plan.drip())
            co_await writeSlowly(wire.text, drip->pause, error);
        else
            co_await write(wire.text, error);
        if (error || cut) co_return Next::cut;
        co_return keepAlive ? Next::request : Next::close;
    }

    asio::awaitable<void> write(const std::string& bytes, error_code& error) {
        tcp().expires_after(transferLimit);
        co_await asio::async_write(stream_, asio::buffer(bytes), into(error));
    }

    asio::awaitable<void> writeSlowly(const std::string& bytes, std::chrono::milliseconds between, error_code& error) {
        for (const char& byte : bytes) {
            tcp().expires_after(transferLimit);
            co_await asio::async_write(stream_, asio::buffer(&byte, 1), into(error));
            if (error) co_return;
            co_await pause(between);
        }
    }

    asio::awaitable<void> pause(std::chrono::milliseconds time) {
        if (time.count() == 0) co_return;
        error_code ignored;
        asio::steady_timer timer(stream_.get_executor(), time);
        co_await timer.async_wait(into(ignored));
    }

    asio::awaitable<void> waitIfHeld(const Plan& plan, HoldPoint at) {
        if (plan.endpoint.empty()) co_return;
        const auto executor = stream_.get_executor();
        const auto timer = std::make_shared<asio::steady_timer>(executor, holdLimit);
        // Posted: it runs when this coroutine waits, even if the release comes before it does.
        const Gate::Id id = core_.gate().enter(
            plan.endpoint, at, [executor, timer] { asio::post(executor, [timer] { timer->cancel(); }); });
        if (id == 0) co_return;
        const Held held(core_.gate(), id);
        error_code ignored;
        co_await timer->async_wait(into(ignored));
    }

    Stream& stream_;
    Core& core_;
    const ConnectionLimits& limits_;
    beast::flat_buffer buffer_;
};

asio::awaitable<void> servePlain(beast::tcp_stream stream, Core& core, const ConnectionLimits& limits) {
    Session<beast::tcp_stream> session(stream, core, limits);
    const Next next = co_await session.serveRequests();
    if (next == Next::close) co_await session.drain();
}

asio::awaitable<void> serveTls(beast::tcp_stream tcp, asio::ssl::context& context, Core& core,
                               const ConnectionLimits& limits) {
    using Stream = beast::ssl_stream<beast::tcp_stream>;
    Stream stream(std::move(tcp), context);
    error_code error;
    beast::get_lowest_layer(stream).expires_after(handshakeLimit);
    co_await stream.async_handshake(asio::ssl::stream_base::server, into(error));
    if (error) co_return;
    Session<Stream> session(stream, core, limits);
    const Next next = co_await session.serveRequests();
    if (next != Next::close) co_return;
    beast::get_lowest_layer(stream).expires_after(closeLimit);
    co_await stream.async_shutdown(into(error));
    co_await session.drain();
}

}  // namespace

asio::awaitable<void> serveConnection(asio::ip::tcp::socket socket, asio::ssl::context* tls, Core& core,
                                      ConnectionLimits limits) {
    const Counted counted(core);
    error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    beast::tcp_stream stream(std::move(socket));
    if (tls != nullptr) {
        co_await serveTls(std::move(stream), *tls, core, limits);
    } else {
        co_await servePlain(std::move(stream), core, limits);
    }
}

}  // namespace wix::testing::detail
