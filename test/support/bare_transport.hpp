// A Transport without a client above it, whose names lead where a test says.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/http_transport.hpp"
#include "support/run.hpp"

namespace wix::test {

/// What a name server would answer, for each lookup anew.
struct NameAnswer {
    NameAnswer(std::vector<detail::Endpoint> where) : endpoints(std::move(where)) {}
    NameAnswer(boost::system::error_code why) : error(why) {}
    boost::system::error_code error;
    std::vector<detail::Endpoint> endpoints;
};
using NameServer = std::function<NameAnswer(const std::string& host)>;

inline detail::NameLookupFactory lookupBy(NameServer server) {
    class Lookup final : public detail::NameLookup {
    public:
        Lookup(boost::asio::any_io_executor executor, NameServer server)
            : executor_(std::move(executor)), server_(std::move(server)) {}
        void resolve(const std::string& host, std::uint16_t, Done done) override {
            const NameAnswer answer = server_(host);
            boost::asio::post(executor_, [alive = std::weak_ptr<bool>(alive_), answer, done = std::move(done)] {
                if (!alive.expired()) done(answer.error, answer.endpoints);
            });
        }

    private:
        boost::asio::any_io_executor executor_;
        NameServer server_;
        std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    };
    return [server = std::move(server)](const boost::asio::any_io_executor& executor) {
        return std::make_unique<Lookup>(executor, server);
    };
}

/// One that is never answered.
inline detail::NameLookupFactory silentLookup() {
    class Lookup final : public detail::NameLookup {
        void resolve(const std::string&, std::uint16_t, Done) override {}
    };
    return [](const boost::asio::any_io_executor&) { return std::make_unique<Lookup>(); };
}

class BareTransport {
public:
    explicit BareTransport(detail::NameLookupFactory lookup, TransportOptions options = TransportOptions(),
                           const detail::Clock& clock = detail::Clock::system())
        : transport(std::make_shared<detail::HttpTransport>(
              io.get_executor(), options, *detail::makeTlsContext(options.tls), std::move(lookup), clock)) {}

    detail::WireRequest request(const std::string& method = "GET", bool tls = false) const {
        detail::WireRequest made;
        made.origin = detail::Origin(tls, host, port);
        made.method = method;
        made.target = "/x";
        made.idempotent = method == "GET";
        made.timeouts = timeouts;
        return made;
    }
    result<detail::HttpReply> send(const detail::WireRequest& what) {
        return runOn(io, transport->send(std::make_shared<detail::WireRequest>(what),
                                         detail::WaitLimits(detail::MonotonicClock::now() + std::chrono::minutes(1),
                                                            std::stop_token())));
    }
    result<detail::HttpReply> get() { return send(request()); }

    std::string host = "shop.example";
    std::uint16_t port = 80;
    Timeouts timeouts;
    boost::asio::io_context io;
    std::shared_ptr<detail::HttpTransport> transport;
};

}  // namespace wix::test
