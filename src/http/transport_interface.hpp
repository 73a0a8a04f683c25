// Where auth/ and call/ meet http/: one request goes out, one answer or one failure comes back.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <wix/body.hpp>
#include <wix/error.hpp>
#include <wix/observer.hpp>
#include <wix/options.hpp>

#include "async/home_operation.hpp"
#include "http/http_reply.hpp"
#include "http/url.hpp"

namespace wix::detail {

/// A request that has been checked: nothing in it can break the framing.
struct WireRequest {
    WireRequest() = default;

    Origin origin;
    std::string method;
    std::string target;  ///< In origin form.
    Headers headers;     ///< Without those that the transport writes: Host, Content-Length, Accept-Encoding.
    std::string body;
    std::shared_ptr<BodySource> source;  ///< Instead of `body`.
    std::shared_ptr<BodySink> sink;      ///< For the body of an answer of 2xx.
    /// Told of resends; null: nobody.
    std::shared_ptr<Observer> observer;
    /// Whether it may be sent again although the server may have processed it.
    bool idempotent = false;
    bool urgent = false;  ///< Goes before the others when connections are short: they wait for a token, say.
    Timeouts timeouts;    ///< Those of the phases.
    std::size_t maxHeaderBytes = 64u << 10;
    std::size_t maxBodyBytes = 16u << 20;

    /// For error texts: `POST https://www.wixapis.com/path`, without the query.
    std::string describe() const;
};

class TransportInterface {
public:
    virtual ~TransportInterface() = default;

    /// Sends `request` and gives the whole answer, its content decoded. A failure's `maybeSent` tells whether any byte
    /// of the request has left. Takes it by value: it is lazy, and may outlive who called it.
    virtual boost::asio::awaitable<result<HttpReply>> send(WireRequest request, WaitLimits limits) = 0;

    /// The right to renew ahead of need, until it is dropped; null if enough others do so now.
    virtual std::shared_ptr<void> backgroundSlot() = 0;
};

}  // namespace wix::detail
