// A visitor, a toxic proxy and a Wix in a row.
#pragma once

#include <string>
#include <utility>

#include "integration/failures.hpp"
#include "support/toxic_proxy.hpp"

namespace wix::test {

inline testing::FakeWixOptions serving(bool tls) {
    testing::FakeWixOptions options;
    options.tls = tls;
    return options;
}

/// Points a client at `proxy`, behind which is `fake`. A call is not retried, and resends are free.
inline ClientOptions optionsThrough(const testing::FakeWix& fake, const ToxicProxy& proxy) {
    ClientOptions options = optionsFor(fake);
    const bool tls = fake.url().starts_with("https");
    options.apiUrl = options.edgeUrl = (tls ? "https" : "http") + ("://127.0.0.1:" + std::to_string(proxy.port()));
    options.retry.maxAttempts = 1;
    options.transport.retryReserve = 1000;
    options.timeouts.firstByte = std::chrono::seconds(10);
    return options;
}

template <class Set>
Toxics toxicsWith(Set set) {
    Toxics made;
    set(made);
    return made;
}
inline Toxics closeAfter(std::uint64_t bytes) {
    return toxicsWith([bytes](Toxics& toxics) { toxics.limitData = bytes; });
}
inline Toxics resetAfter(std::uint64_t bytes) {
    return toxicsWith([bytes](Toxics& toxics) { toxics.resetPeer = bytes; });
}

/// The visitor has tokens and an open connection, the proxy's first.
class ToxicLine {
public:
    explicit ToxicLine(bool tls, int attempts = 1)
        : fake(serving(tls)), proxy(fake.port()), visitor(fake, optionsWith(attempts)) {
        CHECK(proxy.counts().accepted() == 1);
    }

    testing::FakeWix fake;
    ToxicProxy proxy;
    Visitor visitor;

    std::size_t connections() const { return proxy.counts().accepted(); }
    std::uint64_t cartRequests() const { return fake.state().requests.at("cart"); }
    std::int64_t items() const {
        const testing::FakeWixState state = fake.state();
        return state.carts.empty() ? 0 : state.carts.at(0).items;
    }

    /// Asks for the cart, whether there is one or not.
    bool getWorks() {
        const auto got = visitor.failing(visitor.client.get(cartPath));
        return !got.code || got.code == Errc::api_error;
    }
    /// Adds one item to the cart: what it failed with.
    Failure failingAdd(CallOptions options = CallOptions()) {
        return visitor.failing(visitor.client.post(addPath, oneItem(), std::move(options)));
    }
    static boost::json::value oneItem() {
        return object("customLineItems",
                      array(object("productName", object("original", "mug"), "price", "1.00", "quantity", 1)));
    }

private:
    ClientOptions optionsWith(int attempts) const {
        ClientOptions options = optionsThrough(fake, proxy);
        options.retry.maxAttempts = attempts;
        return options;
    }
};

}  // namespace wix::test
