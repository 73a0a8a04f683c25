// Connection over a socket, with or without TLS, on a strand of any kind: what connection_*.cpp instantiate.
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <type_traits>
#include <vector>

#include "http/connection.hpp"
#include "http/net_error.hpp"
#include "http/request_text.hpp"
#include "http/response_reader.hpp"

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
    using Resolver = boost::asio::ip::basic_resolver<Tcp, Executor>;
    static constexpr bool isTls = !std::is_same_v<Stream, TcpSocket<Executor>>;

public:
    StreamConnection(const Executor& strand, Origin origin, TlsContextPtr tls)
        : Connection(strand), origin_(std::move(origin)), tls_(std::move(tls)), home_(strand), in_(16 * 1024) {
        if constexpr (isTls)
            stream_.emplace(strand, tls_->native());
        else
            stream_.emplace(strand);
    }

    boost::asio::awaitable<std::optional<Failure>> open(Timeouts timeouts, WaitLimits limits) override {
        return run(std::make_shared<Opening>(self(), timeouts, std::move(limits)))(boost::asio::use_awaitable);
    }
    boost::asio::awaitable<ExchangeOutcome> exchange(const WireRequest& request, WaitLimits limits) override {
        writeRequest(out_, request);
        return run(std::make_shared<Exchange>(self(), request, std::move(limits)))(boost::asio::use_awaitable);
    }

    bool looksAlive() noexcept override {
        if (!stream_ || !open_) return false;
        // A close_notify, or an answer that nobody asked for, may have come in one piece with the answer before: the
        // socket is empty then, and TLS has it.
        if constexpr (isTls) {
            SSL* tls = stream_->native_handle();
            if (SSL_has_pending(tls) || BIO_ctrl_pending(SSL_get_rbio(tls)) > 0) return false;
        }
        char byte = 0;
        const auto got = ::recv(socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }

    void abort() override {
        if (!home_) return;  // its context has gone, and everything with it
        boost::asio::post(*home_, [self = self()] {
            self->aborted_ = true;
            self->closeSocket();
        });
    }

    void contextGone() noexcept override {
        resolver_.reset();
        stream_.reset();
        home_.reset();
    }

private:
    class Opening;
    class Exchange;

    std::shared_ptr<StreamConnection> self() {
        return std::static_pointer_cast<StreamConnection>(this->shared_from_this());
    }
    TcpSocket<Executor>& socket() {
        if constexpr (isTls)
            return stream_->next_layer();
        else
            return *stream_;
    }
    /// A connection that is cut in the middle of something is never used again: close, do not cancel.
    void closeSocket() {
        open_ = false;
        if (resolver_) resolver_->cancel();
        ErrorCode ignored;
        if (stream_) socket().close(ignored);
    }

    const Origin origin_;
    const TlsContextPtr tls_;
    std::optional<Executor> home_;
    std::optional<Stream> stream_;
    std::optional<Resolver> resolver_;
    std::optional<ResponseReader> reader_;
    std::string out_;
    std::vector<char> in_;
    bool aborted_ = false;  // from outside: whatever error that causes, it means operation_aborted
};

/// Resolve, connect, handshake: each with a deadline of its own.
template <class Stream>
class StreamConnection<Stream>::Opening final : public HomeOperation<std::optional<Failure>> {
    using Base = HomeOperation<std::optional<Failure>>;

public:
    Opening(std::shared_ptr<StreamConnection> connection, Timeouts timeouts, WaitLimits limits)
        : Base(*connection->home_, std::move(limits)), connection_(std::move(connection)), timeouts_(timeouts) {}

private:
    std::shared_ptr<Opening> self() { return std::static_pointer_cast<Opening>(this->shared_from_this()); }
    std::string phase() const { return phase_ + connection_->origin_.toString(); }
    void enterPhase(const char* name, std::chrono::milliseconds limit) {
        phase_ = name;
        this->setPhaseDeadline(std::chrono::steady_clock::now() + limit);
    }
    void fail(Failure failure) {
        if (connection_->aborted_) failure = stopFailure(StopReason::cancelled, phase());
        connection_->closeSocket();
        this->finish(std::move(failure));
    }

    void onStop(StopReason why) override { fail(stopFailure(why, phase())); }

    void onStart() override {
        if (connection_->aborted_) return fail(stopFailure(StopReason::cancelled, phase()));
        ErrorCode ec;
        const auto address = boost::asio::ip::make_address(connection_->origin_.host, ec);
        if (!ec) {
            return connect(std::array{typename Tcp::endpoint(address, connection_->origin_.port)});
        }
        enterPhase("resolving the host of ", timeouts_.resolve);
        connection_->resolver_.emplace(*connection_->home_);
        connection_->resolver_->async_resolve(
            connection_->origin_.host, std::to_string(connection_->origin_.port), Resolver::numeric_service,
            [self = self()](const ErrorCode& error, typename Resolver::results_type found) {
                if (self->isDone()) return;
                if (error) return self->fail(netFailure(error, self->phase()));
                std::vector<typename Tcp::endpoint> endpoints;
                for (const auto& entry : found) endpoints.push_back(entry.endpoint());
                self->connect(std::move(endpoints));
            });
    }

    template <class Endpoints>
    void connect(Endpoints endpoints) {
        enterPhase("connecting to ", timeouts_.connect);
        boost::asio::async_connect(connection_->socket(), endpoints,
                                   [self = self()](const ErrorCode& error, const typename Tcp::endpoint&) {
                                       if (self->isDone()) return;
                                       if (error) return self->fail(netFailure(error, self->phase()));
                                       self->connected();
                                   });
    }

    void connected() {
        ErrorCode ignored;
        connection_->socket().set_option(Tcp::no_delay(true), ignored);
        if constexpr (isTls)
            handshake();
        else
            opened();
    }

    void handshake() {
        enterPhase("TLS handshake with ", timeouts_.tls);
        if (!connection_->tls_->prepare(connection_->stream_->native_handle(), connection_->origin_))
            return fail(Failure(Errc::tls_failed, phase() + " (the host name cannot be verified)"));
        connection_->stream_->async_handshake(
            boost::asio::ssl::stream_base::client, [self = self()](const ErrorCode& error) {
                if (self->isDone()) return;
                if (error == boost::asio::error::operation_aborted) return self->fail(netFailure(error, self->phase()));
                TlsContext& tls = *self->connection_->tls_;
                auto* ssl = self->connection_->stream_->native_handle();
                if (error) return self->fail(tls.handshakeFailure(ssl, error, self->phase()));
                tls.opened(ssl);
                self->opened();
            });
    }

    void opened() {
        connection_->open_ = true;
        this->finish(std::nullopt);
    }

    std::shared_ptr<StreamConnection> connection_;
    Timeouts timeouts_;
    std::string phase_ = "opening a connection to ";
};

/// Write the request, read the answer.
template <class Stream>
class StreamConnection<Stream>::Exchange final : public HomeOperation<ExchangeOutcome> {
    using Base = HomeOperation<ExchangeOutcome>;

public:
    Exchange(std::shared_ptr<StreamConnection> connection, const WireRequest& request, WaitLimits limits)
        : Base(*connection->home_, std::move(limits)),
          connection_(std::move(connection)),
          what_(request.describe()),
          firstByte_(request.timeouts.firstByte) {
        connection_->reader_.emplace(ResponseLimits(request.maxHeaderBytes, request.maxBodyBytes),
                                     request.method == "HEAD");
    }

private:
    std::shared_ptr<Exchange> self() { return std::static_pointer_cast<Exchange>(this->shared_from_this()); }
    ResponseReader& reader() { return *connection_->reader_; }
    bool hasDeparted() const override { return writing_; }

    void fail(Failure failure) {
        if (connection_->aborted_) failure = stopFailure(StopReason::cancelled, what_ + phase_);
        failure.maybeSent = writing_ && !nothingLeft_ && !refused_;
        // The handshake is over: a record that cannot be read is a connection that broke.
        if (failure.code == Errc::tls_failed && !refused_) failure.code = Errc::connection_lost;
        ExchangeOutcome outcome((result<HttpReply>(std::move(failure))));
        outcome.sawAnswer = reader().sawAnyByte();
        connection_->closeSocket();
        this->finish(std::move(outcome));
    }

    void onStop(StopReason why) override { fail(stopFailure(why, what_ + phase_)); }

    void onStart() override {
        if (connection_->aborted_) return fail(stopFailure(StopReason::cancelled, what_));
        writing_ = true;
        phase_ = ", sending the request";
        boost::asio::async_write(*connection_->stream_, boost::asio::buffer(connection_->out_),
                                 [self = self()](const ErrorCode& error, std::size_t written) {
                                     if (!self->isDone()) self->wrote(error, written);
                                 });
    }

    void wrote(const ErrorCode& error, std::size_t written) {
        if (error) {
            nothingLeft_ = written == 0;
            if (!isConnectionEnd(error) || nothingLeft_) return fail(netFailure(error, what_ + phase_));
            writeError_ = error;  // the server may have answered early and closed: its answer says more
        }
        phase_ = ", waiting for the answer";
        this->setPhaseDeadline(std::chrono::steady_clock::now() + firstByte_);
        read();
    }

    void read() {
        connection_->stream_->async_read_some(boost::asio::buffer(connection_->in_),
                                              [self = self()](const ErrorCode& error, std::size_t size) {
                                                  if (!self->isDone()) self->received(error, size);
                                              });
    }

    void received(const ErrorCode& error, std::size_t size) {
        const bool first = !reader().sawAnyByte() && size > 0;
        const std::size_t used = size > 0 ? reader().feed(connection_->in_.data(), size) : 0;
        if (first) {
            phase_ = ", reading the answer";
            this->setPhaseDeadline(SteadyTime::max());
        }
        if (reader().state() == ResponseReader::State::done) return done(used == size && !error);
        if (reader().state() == ResponseReader::State::failed) return fail(answerFailure());
        if (!error) return read();
        refused_ = isTls && !reader().sawAnyByte() && refusesClientCertificate(error);
        if (refused_) return fail(netFailure(error, what_ + ", with this client's certificate"));
        if (!reader().sawAnyByte() || !isConnectionEnd(error))
            return fail(netFailure(writeError_ ? writeError_ : error, what_ + phase_));
        // Over TLS eof is the peer's close_notify; without it the end may be an attacker's.
        reader().finishAtEof(error == boost::asio::error::eof);
        if (reader().state() == ResponseReader::State::done) return done(false);
        fail(answerFailure());
    }

    Failure answerFailure() {
        Failure failure = reader().failure();
        failure.context = what_ + ": " + failure.context;
        return failure;
    }

    void done(bool nothingLeftOver) {
        ExchangeOutcome outcome((result<HttpReply>(reader().takeReply())));
        outcome.sawAnswer = true;
        outcome.reusable = nothingLeftOver && !writeError_ && reader().reusable();
        if (!outcome.reusable) connection_->closeSocket();
        this->finish(std::move(outcome));
    }

    std::shared_ptr<StreamConnection> connection_;
    std::string what_;
    std::chrono::milliseconds firstByte_;
    const char* phase_ = "";
    ErrorCode writeError_;
    bool writing_ = false;
    bool nothingLeft_ = false;
    bool refused_ = false;
};

}  // namespace wix::detail
