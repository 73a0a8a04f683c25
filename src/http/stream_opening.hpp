// How a connection opens: resolve, connect, tunnel, handshake; each with a deadline of its own.
#pragma once

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <deque>
#include <utility>

#include "base/cloexec_socket.hpp"
#include "base/descriptors.hpp"
#include "http/connect_race.hpp"
#include "http/proxy_rules.hpp"
#include "http/stream_connection.hpp"

namespace wix::detail {

template <class Stream>
class StreamConnection<Stream>::Opening final : public HomeOperation<std::optional<Failure>> {
    using Base = HomeOperation<std::optional<Failure>>;
    static constexpr std::size_t mostAddresses = 20;  // each attempt takes a descriptor

public:
    Opening(std::shared_ptr<StreamConnection> connection, Timeouts timeouts, WaitLimits limits)
        : Base(*connection->home_, std::move(limits)), connection_(std::move(connection)), timeouts_(timeouts) {}

    void contextGone() noexcept override {
        forgetAttempts();
        Base::contextGone();
    }

private:
    std::shared_ptr<Opening> self() { return std::static_pointer_cast<Opening>(this->shared_from_this()); }
    const Origin& origin() const { return connection_->setup_.origin; }
    const ProxyOptions* proxy() const { return connection_->setup_.proxy.get(); }

    // -- Phases and their ends ------------------------------------------------------------------------------------------

    std::string phase() const {
        if (!proxy()) return phase_ + origin().toString();
        return phase_ + origin().toString() + " through the proxy " + proxy()->host + ":" +
               std::to_string(proxy()->port);
    }
    void enterPhase(const char* name, std::chrono::milliseconds limit) {
        phase_ = name;
        const SteadyTime at = MonotonicClock::now();
        this->setPhaseDeadline(at + limit, at);
    }
    void forgetAttempts() noexcept {
        nextAttempt_.reset();
        attempts_.clear();
    }
    void fail(Failure failure) {
        if (connection_->aborted_) failure = stopFailure(StopReason::cancelled, phase());
        // Wherever it failed: the name may lead elsewhere by now.
        if (connection_->lookup_ && failure.code != boost::asio::error::operation_aborted)
            connection_->lookup_->forget();
        forgetAttempts();
        connection_->closeSocket();
        end(std::move(failure));
    }
    void end(std::optional<Failure> outcome) {
        const auto keep = std::move(connection_->current_);
        this->finish(std::move(outcome));
    }
    /// On the way to the proxy: whatever it is, the origin is not to blame.
    void failOnTheWay(Failure failure) {
        if (proxy() && failure.code != boost::asio::error::operation_aborted) failure.code = Errc::proxy_failed;
        fail(std::move(failure));
    }
    void onStop(StopReason why) override { fail(stopFailure(why, phase())); }

    // -- Resolve --------------------------------------------------------------------------------------------------------

    void onStart() override {
        if (connection_->aborted_) return fail(stopFailure(StopReason::cancelled, phase()));
        connection_->current_ = self();
        const std::string& host = proxy() ? proxy()->host : origin().host;
        const std::uint16_t port = proxy() ? proxy()->port : origin().port;
        ErrorCode ec;
        const auto address = boost::asio::ip::make_address(host, ec);
        if (!ec) return connect(std::vector<Endpoint>(1, Endpoint(address, port)));
        enterPhase("resolving the host of ", timeouts_.resolve);
        lookUp(host, port);
    }

    void lookUp(const std::string& host, std::uint16_t port) {
        connection_->lookup_ = connection_->setup_.lookup(*connection_->home_);
        connection_->lookup_->resolve(host, port,
                                      [self = self()](const ErrorCode& error, const std::vector<Endpoint>& found) {
                                          if (self->isDone()) return;
                                          if (error) return self->cannotLookUp(error);
                                          self->connect(inTurn(found));
                                      });
        // A look-up that others have begun may have used up its time.
        const auto begun = connection_->lookup_->begunAt();
        if (!begun) return;
        const SteadyTime now = MonotonicClock::now();
        if (*begun + timeouts_.resolve <= now) return onStop(StopReason::deadline);
        this->setPhaseDeadline(*begun + timeouts_.resolve, now);
    }

    /// A resolver that could open neither its files nor a socket says that there is no such name.
    void cannotLookUp(const ErrorCode& error) {
        const bool exhausted = areDescriptorsExhausted();
        if (exhausted && !std::exchange(hasLookedUpAgain_, true) && closeIdleDescriptors())
            return boost::asio::post(*connection_->home_, [self = self()] {
                if (self->isDone()) return;
                const auto* proxy = self->proxy();
                self->lookUp(proxy ? proxy->host : self->origin().host, proxy ? proxy->port : self->origin().port);
            });
        const ErrorCode why = exhausted ? ErrorCode(boost::asio::error::host_not_found_try_again) : error;
        failOnTheWay(netFailure(why, phase()));
    }

    // -- Connect --------------------------------------------------------------------------------------------------------

    void connect(std::vector<Endpoint> endpoints) {
        enterPhase("connecting to ", timeouts_.connect);
        endpoints_ = std::move(endpoints);
        if (endpoints_.size() > mostAddresses) endpoints_.resize(mostAddresses);
        race_.emplace(endpoints_.size());
        follow(race_->begin());
    }

    void follow(ConnectRace::Next next) {
        if (next == ConnectRace::Next::allLost) return failOnTheWay(netFailure(whyLost_, phase()));
        if (next == ConnectRace::Next::start) attempt(race_->startNext());
    }

    void attempt(std::size_t index) {
        attempts_.emplace_back(*connection_->home_);
        if (const ErrorCode error = openSocket(attempts_.back(), endpoints_[index].protocol()))
            boost::asio::post(*connection_->home_, [self = self(), index, error] { self->attempted(index, error); });
        else
            attempts_.back().async_connect(
                endpoints_[index], [self = self(), index](const ErrorCode& why) { self->attempted(index, why); });
        if (!race_->canStart()) return;
        if (!nextAttempt_) nextAttempt_.emplace(*connection_->home_);
        nextAttempt_->expires_after(ConnectRace::attemptDelay);
        nextAttempt_->async_wait([self = self()](const ErrorCode& error) {
            if (!error && !self->isDone() && !self->hasWon_) self->follow(self->race_->timerFired());
        });
    }

    void attempted(std::size_t index, const ErrorCode& error) {
        if (this->isDone() || hasWon_) return;
        if (!error) return won(index);
        ErrorCode ignored;
        attempts_[index].close(ignored);
        // A machine without IPv6 says so of half the addresses: the other error tells more.
        if (!whyLost_ || netFailure(whyLost_, std::string()).code == Errc::network_unreachable) whyLost_ = error;
        follow(race_->attemptFailed());
    }

    /// Closes idle connections if there is no descriptor left, and tries once more.
    static ErrorCode openSocket(TcpSocket<Executor>& socket, const Tcp& protocol) {
        const ErrorCode error = openCloexec(socket, protocol);
        const bool isShort =
            error.category() == boost::system::system_category() && isShortOfDescriptors(error.value());
        return isShort && closeIdleDescriptors() ? openCloexec(socket, protocol) : error;
    }

    void won(std::size_t index) {
        hasWon_ = true;
        connection_->socket() = std::move(attempts_[index]);
        forgetAttempts();
        ErrorCode ignored;
        connection_->socket().set_option(Tcp::no_delay(true), ignored);
        if (proxy()) return askForTunnel();
        secure();
    }

    // -- Tunnel (RFC 9110 9.3.6) ----------------------------------------------------------------------------------------

    void askForTunnel() {
        enterPhase("asking for a tunnel to ", timeouts_.connect);
        connection_->out_ = connectRequest(*proxy(), origin());
        // Its answer has no body, whatever its head says, if there is a tunnel; else the connection is of no use.
        connection_->reader_.resetForConnect(ResponseLimits());
        boost::asio::async_write(connection_->socket(), boost::asio::buffer(connection_->out_),
                                 [self = self()](const ErrorCode& error, std::size_t) {
                                     if (self->isDone()) return;
                                     if (error) return self->failOnTheWay(netFailure(error, self->phase()));
                                     self->readTunnelAnswer();
                                 });
    }

    void readTunnelAnswer() {
        connection_->socket().async_read_some(boost::asio::buffer(connection_->in_),
                                              [self = self()](const ErrorCode& error, std::size_t size) {
                                                  if (self->isDone()) return;
                                                  if (error)
                                                      return self->failOnTheWay(netFailure(error, self->phase()));
                                                  self->tunnelAnswered(size);
                                              });
    }

    void tunnelAnswered(std::size_t size) {
        ResponseReader& reader = connection_->reader_;
        const std::size_t used = reader.feed(connection_->in_.data(), size);
        if (reader.state() == ResponseReader::State::head) return readTunnelAnswer();
        if (reader.state() == ResponseReader::State::failed)
            return fail(Failure(Errc::proxy_failed, phase() + ": " + reader.failure().context));
        const int status = reader.reply().status;
        // RFC 9110 says 407; to wrong credentials some say 401, and nobody else can be meant.
        if (status == 407 || status == 401) return fail(Failure(Errc::proxy_authentication_required, phase()));
        if (status < 200 || status > 299)
            return fail(Failure(Errc::proxy_failed, phase() + ": HTTP " + std::to_string(status)));
        // Neither side of TLS speaks before the client does.
        if (used != size) return fail(Failure(Errc::proxy_failed, phase() + ": it says more than was asked"));
        secure();
    }

    // -- TLS ------------------------------------------------------------------------------------------------------------

    void secure() {
        if constexpr (isTls)
            handshake();
        else
            opened();
    }

    void handshake() {
        enterPhase("TLS handshake with ", timeouts_.tls);
        if (!connection_->setup_.tls->prepare(connection_->stream_->native_handle(), origin()))
            return fail(Failure(Errc::tls_failed, phase() + " (the host name cannot be verified)"));
        connection_->stream_->async_handshake(
            boost::asio::ssl::stream_base::client, [self = self()](const ErrorCode& error) {
                if (self->isDone()) return;
                if (error == boost::asio::error::operation_aborted) return self->fail(netFailure(error, self->phase()));
                TlsContext& tls = *self->connection_->setup_.tls;
                auto* ssl = self->connection_->stream_->native_handle();
                if (error) return self->fail(tls.handshakeFailure(ssl, error, self->phase()));
                tls.opened(ssl);
                self->opened();
            });
    }

    void opened() {
        connection_->lookup_.reset();
        connection_->open_ = true;
        end(std::nullopt);
    }

    std::shared_ptr<StreamConnection> connection_;
    Timeouts timeouts_;
    std::string phase_ = "opening a connection to ";
    std::vector<Endpoint> endpoints_;
    std::optional<ConnectRace> race_;
    std::deque<TcpSocket<Executor>> attempts_;
    std::optional<MonotonicTimer> nextAttempt_;
    ErrorCode whyLost_;
    bool hasWon_ = false;
    bool hasLookedUpAgain_ = false;
};

}  // namespace wix::detail
