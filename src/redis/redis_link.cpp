#include "redis/redis_link.hpp"

#include <async.h>
#include <fcntl.h>
#include <hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <string_view>
#include <utility>

namespace asio = boost::asio;

namespace wix::detail {
namespace {

/// hiredis writes with write(2), which raises SIGPIPE at a connection that the other side has closed. This keeps the
/// signal from this thread, and takes back one that has come.
class WithoutSigpipe {
public:
    WithoutSigpipe() {
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        sigset_t pending;
        ::sigpending(&pending);
        wasPending_ = ::sigismember(&pending, SIGPIPE) == 1;
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~WithoutSigpipe() {
        const timespec atOnce{};
        if (!wasPending_)
            while (::sigtimedwait(&pipe_, nullptr, &atOnce) < 0 && errno == EINTR) {
            }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    WithoutSigpipe(const WithoutSigpipe&) = delete;
    WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

private:
    sigset_t pipe_;
    sigset_t before_;
    bool wasPending_;
};

/// Lets the system find out that the other side has gone without a word, as behind a firewall that has forgotten the
/// connection: asked after 15 s of silence, and again when it may last no longer. Errors do not matter: a command that is
/// not answered in time ends the connection anyway.
void watchPeer(int socket, std::chrono::milliseconds silence) {
    const auto set = [socket](int level, int option, int value) {
        static_cast<void>(::setsockopt(socket, level, option, &value, sizeof value));
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
    set(IPPROTO_TCP, TCP_KEEPINTVL,
        static_cast<int>(
            std::clamp<std::chrono::seconds::rep>(std::chrono::ceil<std::chrono::seconds>(silence).count(), 1, 15)));
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(silence.count()));
}

constexpr std::size_t mostElements = 16;  // of a list: ours have three

RedisReply copyOf(const redisReply& reply) {
    switch (reply.type) {
        case REDIS_REPLY_STRING:
        case REDIS_REPLY_STATUS:
            return RedisReply::text(std::string(reply.str, reply.len));
        case REDIS_REPLY_ERROR:
            return RedisReply::error(std::string(reply.str, reply.len));
        case REDIS_REPLY_INTEGER:
            return RedisReply::number(reply.integer);
        case REDIS_REPLY_ARRAY: {
            std::vector<RedisReply> items;
            for (std::size_t i = 0; i < reply.elements; ++i) items.push_back(copyOf(*reply.element[i]));
            return RedisReply::list(std::move(items));
        }
        default:
            return RedisReply();
    }
}

}  // namespace

/// Stands between hiredis's parser and the objects it makes: hiredis asserts that nobody sends what was not asked for,
/// and allocates lists of any length that a server announces. Here such a reply cannot be made, which ends the connection.
struct RedisLink::Hooks {
    static RedisLink& of(void* data) { return *static_cast<RedisLink*>(data); }

    static bool isAllowed(const redisReadTask* task) {
        RedisLink& link = of(task->privdata);
        if (task->parent || link.awaited_ > 0) return true;
        link.how_ = End::garbage;
        return false;
    }

    template <class... Arguments>
    static void* makeString(const redisReadTask* task, Arguments... arguments) {
        return isAllowed(task) ? own().createString(task, arguments...) : nullptr;
    }
    template <class Size>
    static void* makeArray(const redisReadTask* task, Size size) {
        if (!isAllowed(task)) return nullptr;
        if (static_cast<std::size_t>(size) <= mostElements) return own().createArray(task, size);
        of(task->privdata).how_ = End::garbage;
        return nullptr;
    }
    static void* makeInteger(const redisReadTask* task, long long value) {
        return isAllowed(task) ? own().createInteger(task, value) : nullptr;
    }
    static void* makeNil(const redisReadTask* task) { return isAllowed(task) ? own().createNil(task) : nullptr; }
#if HIREDIS_MAJOR >= 1
    template <class... Arguments>
    static void* refuse(const redisReadTask* task, Arguments...) {  // RESP3, which is not asked for
        of(task->privdata).how_ = End::garbage;
        return nullptr;
    }
#endif

    static const redisReplyObjectFunctions& own() {
        static const redisReplyObjectFunctions functions = [] {
            redisReader* reader = ::redisReaderCreate();
            const redisReplyObjectFunctions copy = reader ? *reader->fn : redisReplyObjectFunctions{};
            if (reader) ::redisReaderFree(reader);
            return copy;
        }();
        return functions;
    }
    static redisReplyObjectFunctions& guarded() {
        static redisReplyObjectFunctions functions = [] {
            redisReplyObjectFunctions ours = own();
            ours.createString = makeString;
            ours.createArray = makeArray;
            ours.createInteger = makeInteger;
            ours.createNil = makeNil;
#if HIREDIS_MAJOR >= 1
            ours.createDouble = refuse;
            ours.createBool = refuse;
#endif
            return ours;
        }();
        return functions;
    }

    /// hiredis names the first byte of a reply that is none. 0x15 begins a TLS alert, and no reply of Redis.
    static bool isTlsAlert(const char* error) {
        return error && std::string_view(error).find("\"\\x15\"") != std::string_view::npos;
    }

    static void connected(const redisAsyncContext* context, int status) {
        RedisLink& link = of(context->data);
        if (status == REDIS_OK) {
            link.reached_ = true;
            link.connected_ = !link.tls_;
            watchPeer(context->c.fd, link.silence_);  // not before: it would end an attempt to connect as well
        } else if (context->errstr && *context->errstr) {
            link.reason_ = context->errstr;
        }
    }
    static void disconnected(const redisAsyncContext* context, int status) {
        RedisLink& link = of(context->data);
        if (status == REDIS_OK) return;
        if (context->err == REDIS_ERR_PROTOCOL || context->err == REDIS_ERR_OOM) link.how_ = End::garbage;
        if (context->err == REDIS_ERR_PROTOCOL && !link.tls_ && isTlsAlert(context->errstr)) link.how_ = End::tls;
        if (context->err == REDIS_ERR_IO && context->errstr && *context->errstr) link.reason_ = context->errstr;
        if (context->err != REDIS_ERR_IO && context->err != REDIS_ERR_EOF) return;
        if (link.tls_)
            link.reason_ = link.tls_->endReason().value_or("the connection was closed");
        else if (!link.hasReplied_)
            // OpenSSL's servers close without an alert.
            link.reason_ += " before the first reply; if the server speaks TLS, the URL must begin with rediss://";
    }
    static void replied(redisAsyncContext* context, void* reply, void*) {
        RedisLink& link = of(context->data);
        if (!reply) return;  // the context is going: see report()
        --link.awaited_;
        link.hasReplied_ = true;
        if (link.owner_) link.owner_->linkReplied(copyOf(*static_cast<const redisReply*>(reply)));
    }

    static void addRead(void* data) { of(data).wantsRead_ = true; }
    static void stopReading(void* data) { of(data).wantsRead_ = false; }
    static void addWrite(void* data) { of(data).wantsWrite_ = true; }
    static void stopWriting(void* data) { of(data).wantsWrite_ = false; }
    /// hiredis is about to close the descriptor. The child of a fork has its parent's epoll set, from which Asio would
    /// take the parent's socket; once the descriptor is closed, it takes nothing.
    static void cleanUp(void* data) {
        RedisLink& link = of(data);
        redisAsyncContext* const context = std::exchange(link.context_, nullptr);
        if (link.forkGuard_.isInChild()) ::close(std::exchange(context->c.fd, -1));
        if (link.socket_) link.socket_->release();
        link.socket_.reset();
    }
};

std::optional<std::string> RedisLink::connect(const asio::any_io_executor& strand, const asio::ip::tcp::endpoint& to,
                                              std::chrono::milliseconds silence, std::unique_ptr<RedisTls> tls) {
    silence_ = silence;
    tls_ = std::move(tls);
    context_ = ::redisAsyncConnect(to.address().to_string().c_str(), to.port());
    if (!context_) return "no memory for a connection";
    std::optional<std::string> failed;
    if (context_->err) {
        failed = context_->errstr && *context_->errstr ? context_->errstr : "it cannot be connected to";
    } else {
        ::fcntl(context_->c.fd, F_SETFD, FD_CLOEXEC);  // it is no business of the programs that this one starts
        try {
            socket_.emplace(strand, context_->c.fd);
        } catch (const boost::system::system_error& error) {
            failed = error.code().message();
        }
    }
    if (failed) {
        ::redisAsyncFree(std::exchange(context_, nullptr));
        return failed;
    }
    context_->data = this;
    context_->c.reader->fn = &Hooks::guarded();
    context_->c.reader->privdata = this;
    context_->ev.data = this;
    context_->ev.addRead = Hooks::addRead;
    context_->ev.delRead = Hooks::stopReading;
    context_->ev.addWrite = Hooks::addWrite;
    context_->ev.delWrite = Hooks::stopWriting;
    context_->ev.cleanup = Hooks::cleanUp;
    ::redisAsyncSetDisconnectCallback(context_, Hooks::disconnected);
    ::redisAsyncSetConnectCallback(context_, Hooks::connected);  // wants to write: that tells when it is connected
    wait();
    return std::nullopt;
}

bool RedisLink::send(const RedisCommand& command) {
    if (!context_) return false;
    std::vector<const char*> words;
    std::vector<std::size_t> sizes;
    for (const std::string& word : command) {
        words.push_back(word.data());
        sizes.push_back(word.size());
    }
    if (::redisAsyncCommandArgv(context_, Hooks::replied, nullptr, static_cast<int>(words.size()), words.data(),
                                sizes.data()) != REDIS_OK)
        return false;
    ++awaited_;
    wait();
    return true;
}

bool RedisLink::isQuiet() {
    if (!context_) return false;
    if (tls_) {
        const WithoutSigpipe guard;  // OpenSSL may have to write
        return tls_->isQuiet();
    }
    char byte;
    return ::recv(context_->c.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/// Waits for what hiredis wants, but only while there is something to come: a pending wait is work, and an idle
/// connection must not keep the io_context running. (The last reply comes with the end of a wait, so none is left over.)
void RedisLink::wait() {
    if (!socket_ || !isBusy()) return;
    if (wantsRead_ && !reads_) {
        reads_ = true;
        socket_->async_wait(
            asio::posix::stream_descriptor::wait_read,
            [self = shared_from_this(), owner = keepAlive_.lock()](const boost::system::error_code& error) {
                self->reads_ = false;
                if (!error) self->becameReadable();
                self->wait();
            });
    }
    if (wantsWrite_ && !writes_) {
        writes_ = true;
        socket_->async_wait(
            asio::posix::stream_descriptor::wait_write,
            [self = shared_from_this(), owner = keepAlive_.lock()](const boost::system::error_code& error) {
                self->writes_ = false;
                if (!error) self->becameWritable();
                self->wait();
            });
    }
}

void RedisLink::becameReadable() {
    if (!context_ || leaveToParent()) return;
    const bool before = connected_;
    std::optional<WithoutSigpipe> guard;
    if (tls_) {
        guard.emplace();  // OpenSSL may have to write
        tls_->clearErrors();
    }
    if (handshaking_) {
        handshake(tls_->advance());
    } else {
        do ::redisAsyncHandleRead(context_);
        while (context_ && connected_ && tls_ && tls_->hasPending());
        if (context_) {
            // What is left is the beginning of one reply.
            const redisReader& reader = *context_->c.reader;
            if (reader.len - reader.pos > largestReply) {
                how_ = End::tooLarge;
                ::redisAsyncFree(context_);
            }
        }
    }
    report(before);
}

void RedisLink::becameWritable() {
    if (!context_ || leaveToParent()) return;
    const bool before = connected_;
    const WithoutSigpipe guard;
    if (handshaking_) {
        handshake(tls_->advance());
    } else {
        if (tls_) tls_->clearErrors();
        ::redisAsyncHandleWrite(context_);
        // Not within hiredis's callback: there the context may not be freed in every version.
        if (context_ && tls_ && reached_ && !connected_) handshake(tls_->begin(*context_));
    }
    report(before);
}

void RedisLink::handshake(RedisTls::Step step) {
    handshaking_ = step == RedisTls::Step::wantsRead || step == RedisTls::Step::wantsWrite;
    connected_ = step == RedisTls::Step::done;
    wantsRead_ = step != RedisTls::Step::wantsWrite;
    wantsWrite_ = step == RedisTls::Step::wantsWrite;
    if (step != RedisTls::Step::failed) return;
    ::redisAsyncFree(context_);
    reason_ = tls_->failure();
}

/// In the child of a fork: what has come is the parent's, and what is to be written as well.
bool RedisLink::leaveToParent() {
    if (!forkGuard_.isInChild()) return false;
    ::redisAsyncFree(context_);
    report(connected_);
    return true;
}

void RedisLink::report(bool wasConnected) {
    if (!context_) {
        if (Owner* owner = std::exchange(owner_, nullptr)) owner->linkEnded(how_, reason_);
    } else if (connected_ && !wasConnected && owner_) {
        owner_->linkConnected();
    }
}

void RedisLink::close() noexcept {
    owner_ = nullptr;
    // Within a callback hiredis frees it when that has returned; whoever called it keeps this object until then.
    if (context_) ::redisAsyncFree(context_);
}

}  // namespace wix::detail
