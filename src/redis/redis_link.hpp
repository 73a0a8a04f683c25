// One connection of hiredis's asynchronous API, driven by Asio: hiredis has the socket and the protocol, Asio tells it
// when to read and to write. All of it happens on one strand.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/fork_guard.hpp"
#include "redis/redis_record.hpp"
#include "redis/redis_reply.hpp"
#include "redis/redis_tls.hpp"

struct redisAsyncContext;

namespace wix::detail {

class RedisLink final : public std::enable_shared_from_this<RedisLink> {
public:
    /// How a connection ended by itself.
    enum class End {
        lost,      ///< It could not be made, or was closed or broken by the other side.
        garbage,   ///< An answer breaks the protocol, or nothing was asked.
        tooLarge,  ///< An answer has more than `largestReply` bytes.
        tls,       ///< The server speaks TLS, and this connection does not.
    };
    static constexpr std::size_t largestReply = std::size_t{1} << 20;

    /// Told on the strand, never from within a function of the link that it calls itself.
    class Owner {
    public:
        virtual void linkConnected() = 0;
        virtual void linkReplied(RedisReply reply) = 0;
        /// `reason` has nothing of what was sent or received.
        virtual void linkEnded(End how, const std::string& reason) = 0;

    protected:
        ~Owner() = default;
    };

    /// `keepAlive` is the owner: it must not end on one thread while a wait of ours ends on the strand.
    RedisLink(Owner& owner, std::weak_ptr<void> keepAlive) : owner_(&owner), keepAlive_(std::move(keepAlive)) {}
    ~RedisLink() { close(); }

    /// Begins to connect; commands may be sent before that has ended. Nothing, or why it could not even begin. Once it is
    /// connected, the other side's system must not be silent for longer than `silence`. With `tls`, which may be null, the
    /// owner must not send before linkConnected().
    std::optional<std::string> connect(const boost::asio::any_io_executor& strand,
                                       const boost::asio::ip::tcp::endpoint& to, std::chrono::milliseconds silence,
                                       std::unique_ptr<RedisTls> tls);
    /// Whether a TLS handshake is in progress.
    bool isInHandshake() const noexcept { return handshaking_; }
    /// The replies come in the order of the commands. False if the link has ended.
    bool send(const RedisCommand& command);
    /// Whether the other side has neither closed an idle connection nor said anything unasked.
    bool isQuiet();
    /// Ends it: the owner hears nothing any more. In the child of a fork the parent's connection goes on.
    void close() noexcept;

private:
    struct Hooks;  // what hiredis calls

    void wait();
    void becameReadable();
    void becameWritable();
    void handshake(RedisTls::Step step);
    bool leaveToParent();
    void report(bool wasConnected);
    bool isBusy() const noexcept { return !connected_ || awaited_ > 0; }

    Owner* owner_;  // null once it does not want to hear
    const std::weak_ptr<void> keepAlive_;
    const ForkGuard forkGuard_;
    std::chrono::milliseconds silence_{0};
    redisAsyncContext* context_ = nullptr;                         // null once hiredis has let go of it
    std::optional<boost::asio::posix::stream_descriptor> socket_;  // never closes: the descriptor is hiredis's
    std::unique_ptr<RedisTls> tls_;                                // null without TLS
    std::size_t awaited_ = 0;                                      // replies
    bool reached_ = false;                                         // the TCP connection is established
    bool handshaking_ = false;                                     // TLS
    bool connected_ = false;                                       // commands may be sent
    bool hasReplied_ = false;
    bool wantsRead_ = false;
    bool wantsWrite_ = false;
    bool reads_ = false;  // a wait is pending
    bool writes_ = false;
    End how_ = End::lost;
    std::string reason_ = "the connection was closed";
};

}  // namespace wix::detail
