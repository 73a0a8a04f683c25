// One exchange on a connection, whole or in steps: write the request, read the answer.
#pragma once

#include "http/stream_connection.hpp"

namespace wix::detail {

template <class Stream>
class StreamConnection<Stream>::Exchange final : public HomeOperation<ExchangeOutcome> {
    using Base = HomeOperation<ExchangeOutcome>;
    /// While more than this is sent an answer is listened for: a server that refuses a large body says so early.
    static constexpr std::size_t largeBody = std::size_t{64} << 10;
    static constexpr const char* readingPhase = ", reading the answer";

public:
    Exchange(std::shared_ptr<StreamConnection> connection, Step what, bool first, WireRequestPtr request,
             WaitLimits limits)
        : Base(SameContextAs(*connection), *connection->home_, std::move(limits)),
          connection_(std::move(connection)),
          request_(std::move(request)),
          step_(what),
          isFurtherStep_(!first),
          writing_(request_->timeouts.write, request_->timeouts.stallBytes),
          reading_(request_->timeouts.stall, request_->timeouts.stallBytes) {}

private:
    std::shared_ptr<Exchange> self() { return std::static_pointer_cast<Exchange>(this->shared_from_this()); }
    static SteadyTime now() { return MonotonicClock::now(); }
    ResponseReader& reader() { return connection_->reader_; }
    std::string what() const { return request_->describe(); }
    Progress& progress() { return connection_->progress_; }
    bool isBrief() const noexcept override { return true; }
    bool isFurtherStep() const noexcept override { return isFurtherStep_; }
    bool hasDeparted() const override { return connection_->progress_.departed; }

    // -- Ends -----------------------------------------------------------------------------------------------------------

    void fail(Failure failure) {
        if (connection_->aborted_) failure = stopFailure(StopReason::cancelled, what() + phase_);
        failure.maybeSent = progress().departed && !nothingLeft_ && !refused_;
        // The handshake is over: a record that cannot be read is a connection that broke.
        if (failure.code == Errc::tls_failed && !refused_) failure.code = Errc::connection_lost;
        ExchangeOutcome outcome((result<HttpReply>(std::move(failure))));
        outcome.sawAnswer = reader().sawAnyByte();
        outcome.foreignBytes = reader().state() == ResponseReader::State::failed && !reader().sawHead();
        connection_->closeSocket();
        end(std::move(outcome));
    }

    void onStop(StopReason why) override { fail(stopFailure(why, what() + phase_)); }

    Failure answerFailure() {
        Failure failure = reader().failure();
        failure.context = what() + ": " + failure.context;
        return failure;
    }

    void succeed(bool complete, bool reusable) {
        ExchangeOutcome outcome((result<HttpReply>(reader().takeReply())));
        outcome.sawAnswer = true;
        outcome.isComplete = complete;
        outcome.reusable = reusable;
        if (complete && !reusable) connection_->closeSocket();
        if (!complete) progress().pausedAt = now();
        end(std::move(outcome));
    }

    /// The end of a step that sends. With an answer, or the end of one, the rest is not wanted: a write that is pending
    /// ends with the connection.
    void sent() {
        isWriting_ = false;
        ExchangeOutcome outcome((result<HttpReply>(HttpReply())));
        outcome.sawAnswer = isAnswered() || progress().writeError;
        end(std::move(outcome));
    }
    bool isAnswered() { return reader().state() != ResponseReader::State::head || progress().ended; }

    /// A read that is pending knows the connection alone, which lets go of this operation only now.
    void end(ExchangeOutcome outcome) {
        const auto keep = std::move(connection_->current_);
        this->finish(std::move(outcome));
    }

    // -- Write ----------------------------------------------------------------------------------------------------------

    void onStart() override {
        if (connection_->aborted_) return fail(stopFailure(StopReason::cancelled, what()));
        connection_->current_ = self();
        if (step_ == Step::receive) return allWritten();
        progress().departed = true;
        phase_ = ", sending the request";
        this->setPhaseDeadline(writing_.begin(this->startedAt()), this->startedAt());
        isWriting_ = true;
        if (progress().hasRead) read();  // it came between two steps
        if (this->isDone()) return;
        if (step_ == Step::send || connection_->out_.size() > largeBody) listen();
        write();
    }

    void write() {
        progress().isWriting = true;
        connection_->stream_->async_write_some(boost::asio::buffer(connection_->out_) + written_,
                                               [self = self()](const ErrorCode& error, std::size_t size) {
                                                   self->progress().isWriting = false;
                                                   if (!self->isDone() && self->isWriting_) self->wrote(error, size);
                                               });
    }

    void wrote(const ErrorCode& error, std::size_t size) {
        written_ += size;
        progress().sent += size;
        if (error) {
            nothingLeft_ = progress().sent == 0;
            if (!isConnectionEnd(error) || nothingLeft_) return fail(netFailure(error, what() + phase_));
            progress().writeError = error;  // the server may have answered early and closed: its answer says more
        } else if (written_ < connection_->out_.size()) {
            const SteadyTime at = now();
            if (const auto later = writing_.moved(size, at)) this->setPhaseDeadline(*later, at);
            // What does not fit into the socket at once may wait for the peer for long.
            if (progress().hasRead)
                hear();
            else
                listen();
            if (this->isDone()) return;
            return write();
        }
        if (step_ == Step::send) return sent();
        allWritten();
    }

    void allWritten() {
        isWriting_ = false;
        const SteadyTime at = now();
        if (reader().state() == ResponseReader::State::head) {
            phase_ = reader().sawAnyByte() ? readingPhase : ", waiting for the answer";
            this->setPhaseDeadline(at + request_->timeouts.firstByte, at);
        } else {
            watchBody(at);
        }
        if (isAnswered()) return judge();
        read();
    }

    // -- Read -----------------------------------------------------------------------------------------------------------

    void read() {
        if (!progress().hasRead) return listen();
        progress().hasRead = false;
        received(progress().readError, progress().readSize);
    }

    /// The read may outlast a step that sends; it reports to whichever operation there is when it ends.
    void listen() {
        if (progress().isReading || progress().hasRead) return;
        progress().isReading = true;
        connection_->stream_->async_read_some(boost::asio::buffer(connection_->in_),
                                              [connection = connection_](const ErrorCode& error, std::size_t size) {
                                                  Progress& progress = connection->progress_;
                                                  progress.isReading = false;
                                                  progress.hasRead = true;
                                                  progress.readError = error;
                                                  progress.readSize = size;
                                                  ++progress.reads;
                                                  const auto current =
                                                      std::static_pointer_cast<Exchange>(connection->current_);
                                                  if (current && !current->isDone()) current->hear();
                                              });
    }

    void hear() {
        // In one piece: an end of the connection shows in the write as well, which knows what has left. If the answer
        // has begun, the server may have no more to say, and not listen any more.
        if (isWriting_ && step_ == Step::whole && progress().readError && !isAnswered() && !hasPeerFinished()) return;
        read();
    }
    /// The peer has closed its sending side: no response can come any more. The write may not show that for long. Until
    /// something has been written only the write can tell whether anything has left.
    bool hasPeerFinished() {
        const ErrorCode& error = progress().readError;
        return progress().sent > 0 &&
               (error == boost::asio::error::eof || error == boost::asio::ssl::error::stream_truncated);
    }

    void received(const ErrorCode& error, std::size_t size) {
        const bool hadHead = reader().state() != ResponseReader::State::head;
        if (size > 0 && reader().feed(connection_->in_.data(), size) < size) progress().leftOver = true;
        progress().ended = error;
        if (step_ == Step::send) return isAnswered() ? sent() : listen();
        if (!isWriting_ && reader().state() == ResponseReader::State::body) {
            const SteadyTime at = now();
            if (!hadHead)
                watchBody(at);
            else if (const auto later = progress().reading->moved(size, at))
                this->setPhaseDeadline(progress().stallsAt = *later, at);
        }
        judge();
    }

    /// The body has begun, or goes on after a pause: until the head is complete the deadline of the first byte holds.
    void watchBody(SteadyTime at) {
        phase_ = readingPhase;
        if (progress().reading) {
            progress().stallsAt += at - progress().pausedAt;
        } else {
            progress().reading.emplace(reading_);
            progress().stallsAt = progress().reading->begin(at);
        }
        this->setPhaseDeadline(progress().stallsAt, at);
    }

    void judge() {
        const auto state = reader().state();
        if (state == ResponseReader::State::done) return done();
        if (state == ResponseReader::State::failed) return fail(answerFailure());
        const ErrorCode& error = progress().ended;
        if (!error && reader().hasPart() && !isWriting_) return succeed(false, false);
        if (!error) return listen();
        refused_ = isTls && !reader().sawAnyByte() && refusesClientCertificate(error);
        if (refused_) return fail(netFailure(error, what() + ", with this client's certificate"));
        if (!reader().sawAnyByte() || !isConnectionEnd(error))
            return fail(netFailure(progress().writeError ? progress().writeError : error, what() + phase_));
        // Over TLS eof is the peer's close_notify; without it the end may be an attacker's.
        reader().finishAtEof(error == boost::asio::error::eof);
        if (reader().state() == ResponseReader::State::done) return done();
        fail(answerFailure());
    }

    void done() {
        const Progress& at = progress();
        if (!at.isWriting) emptyBuffer(connection_->out_);
        const bool clean = !at.isWriting && !at.writeError && !at.leftOver && !at.ended;
        succeed(true, clean && reader().reusable());
    }

    std::shared_ptr<StreamConnection> connection_;
    WireRequestPtr request_;
    Step step_;
    bool isFurtherStep_;
    ThroughputRule writing_;
    ThroughputRule reading_;
    const char* phase_ = "";
    std::size_t written_ = 0;
    bool isWriting_ = false;
    bool nothingLeft_ = false;
    bool refused_ = false;
};

}  // namespace wix::detail
