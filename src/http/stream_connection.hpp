// Connection over a socket, with or without TLS, on a strand of any kind: what connection_*.cpp instantiate. Its two
// operations are in stream_opening.hpp and stream_exchange.hpp.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <type_traits>
#include <vector>

#include "http/connection.hpp"
#include "http/kept_buffer.hpp"
#include "http/net_error.hpp"
#include "http/request_text.hpp"
#include "http/response_reader.hpp"
#include "http/throughput_rule.hpp"

namespace wix::detail {

template <class Executor>
using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
template <class Executor>
using TlsStream = boost::asio::ssl::stream<TcpSocket<Executor>>;

template <class Stream>
class StreamConnection final : public Connection {
    using ErrorCode = boost::system::error_code;
    using Tcp = boost::asio::ip::tcp;
    using Executor = typename Stream::executor_type;
    static constexpr bool isTls = !std::is_same_v<Stream, TcpSocket<Executor>>;

public:
    StreamConnection(const Executor& strand, ConnectionSetup setup)
        : Connection(strand), setup_(std::move(setup)), home_(strand), in_(16 * 1024) {
        if constexpr (isTls)
            stream_.emplace(strand, setup_.tls->native());
        else
            stream_.emplace(strand);
    }

    boost::asio::awaitable<std::optional<Failure>> open(Timeouts timeouts, WaitLimits limits) override {
        std::shared_ptr<Opening> opening;  // null: the context has gone
        if (const ContextUse use(*this); use) opening = std::make_shared<Opening>(self(), timeouts, std::move(limits));
        return run(std::move(opening))(boost::asio::use_awaitable);
    }
    Exchanging exchange(const WireRequestPtr& request, WaitLimits limits) override {
        writeRequest(out_, *request);
        return step(Step::whole, request, true, std::move(limits));
    }
    Exchanging sendPart(std::string bytes, const WireRequestPtr& request, bool first, WaitLimits limits) override {
        out_ = std::move(bytes);
        return step(Step::send, request, first, std::move(limits));
    }
    Exchanging receivePart(const WireRequestPtr& request, WaitLimits limits) override {
        return step(Step::receive, request, false, std::move(limits));
    }

    bool looksAlive(bool atSocket) noexcept override {
        const ContextUse use(*this);
        if (!use || !open_) return false;
        // A close_notify, or an answer that nobody asked for, may have come in one piece with the answer before: the
        // socket is empty then, and TLS has it.
        if constexpr (isTls)
            if (hasPendingTls() && !readPendingTls()) return false;
        // One read that had room for more has seen all that was there.
        if (!atSocket && progress_.reads == 1 && progress_.readSize < in_.size()) return true;
        char byte = 0;
        const auto got = ::recv(socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        if constexpr (isTls)
            return got > 0 && readPendingTls();
        else
            return false;
    }

    void abort() override {
        const ContextUse use(*this);
        if (!use) return;  // its context has gone, and everything with it
        boost::asio::post(*home_, [self = self()] {
            self->aborted_ = true;
            self->closeSocket();
            if (const auto operation = self->current_) operation->requestStop(StopReason::cancelled);
        });
    }

    void contextGone() noexcept override {
        lookup_.reset();
        stream_.reset();
        home_.reset();
        current_.reset();
    }

private:
    class Opening;
    class Exchange;
    enum class Step {
        whole,    ///< Write everything, read everything.
        send,     ///< Write what there is.
        receive,  ///< Read some.
    };
    /// How far the exchange is, over all its steps.
    struct Progress {
        Progress() = default;
        bool departed = false;   // the first write has been begun
        std::size_t sent = 0;    // bytes of the request
        bool isWriting = false;  // a write is pending, possibly of a step that did not wait for its end
        ErrorCode writeError;    // the server may have answered before it closed
        bool isReading = false;  // a read is pending, possibly of a step before
        bool hasRead = false;    // a read has ended that nobody has looked at: with `readError` and `readSize`
        ErrorCode readError;
        std::size_t readSize = 0;
        std::size_t reads = 0;  // that have ended
        bool leftOver = false;  // bytes behind the answer
        ErrorCode ended;        // why no more bytes will come
        std::optional<ThroughputRule> reading;
        SteadyTime stallsAt;  // by that rule; the time between two steps does not count
        SteadyTime pausedAt;
    };

    std::shared_ptr<StreamConnection> self() {
        return std::static_pointer_cast<StreamConnection>(this->shared_from_this());
    }
    Exchanging step(Step what, const WireRequestPtr& request, bool first, WaitLimits limits) {
        if (first) {
            progress_ = Progress();
            ResponseLimits most(request->maxHeaderBytes, request->maxBodyBytes);
            most.errorBodyBytes = request->maxErrorBodyBytes;
            reader_.reset(most, request->method == "HEAD", request->sink != nullptr);
        }
        std::shared_ptr<Exchange> exchange;  // null: the context has gone
        if (const ContextUse use(*this); use)
            exchange = std::make_shared<Exchange>(self(), what, first, request, std::move(limits));
        return run(std::move(exchange));
    }
    TcpSocket<Executor>& socket() {
        if constexpr (isTls)
            return stream_->next_layer();
        else
            return *stream_;
    }
    /// Whether TLS has bytes that nobody has read.
    bool hasPendingTls() noexcept {
        SSL* tls = stream_->native_handle();
        return SSL_has_pending(tls) || BIO_ctrl_pending(SSL_get_rbio(tls)) > 0;
    }
    /// Hands TLS what lies in the socket. False if anything but complete records without data has come: a server sends
    /// its session tickets when it likes, mostly after the handshake.
    bool readPendingTls() noexcept {
        ErrorCode error;
        socket().non_blocking(true, error);
        if (error || stream_->read_some(boost::asio::buffer(in_), error) > 0) return false;
        return error == boost::asio::error::would_block && !hasPendingTls();
    }
    /// A connection that is cut in the middle of something is never used again: close, do not cancel.
    void closeSocket() {
        open_ = false;
        lookup_.reset();
        ErrorCode ignored;
        if (stream_) socket().close(ignored);
    }

    const ConnectionSetup setup_;
    std::optional<Executor> home_;
    std::optional<Stream> stream_;
    std::unique_ptr<NameLookup> lookup_;
    ResponseReader reader_{ResponseLimits(), false};
    std::string out_;
    std::vector<char> in_;
    Progress progress_;
    std::shared_ptr<HomeOperationBase> current_;  // until it ends; on the home strand
    bool aborted_ = false;  // from outside: whatever error that causes, it means operation_aborted
};

}  // namespace wix::detail

#include "http/stream_exchange.hpp"
#include "http/stream_opening.hpp"
