// Clients of a fake Wix.
#pragma once

#include <boost/asio/io_context.hpp>

#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include <memory>
#include <string>
#include <utility>

#include "support/secrets.hpp"

namespace wix::test {

inline const std::string clientId = "11111111-2222-3333-4444-555555555555";
inline const std::string storesAppId = "215238eb-22a5-4c36-9e7b-e7c08025e04e";

/// Points a client at `fake`, with no pauses between its attempts. No event may have a secret in it.
inline ClientOptions optionsFor(const testing::FakeWix& fake) {
    ClientOptions options;
    options.apiUrl = options.edgeUrl = fake.url();
    options.transport.tls.caPem = fake.caPem();
    options.allowPlainHttpToLoopback = true;
    options.retry.firstDelay = std::chrono::milliseconds(1);
    options.observer = std::make_shared<SecretGuard>();
    return options;
}

inline OAuthStrategy strategyWith(std::shared_ptr<TokenStorage> storage) {
    OAuthStrategy strategy(clientId);
    strategy.storage = std::move(storage);
    return strategy;
}

inline Client clientOf(boost::asio::io_context& io, const testing::FakeWix& fake,
                       std::shared_ptr<TokenStorage> storage = nullptr) {
    return Client(io.get_executor(), strategyWith(std::move(storage)), optionsFor(fake));
}

/// An add-to-cart body for one product.
inline boost::json::value oneOf(const std::string& productId, int quantity = 1) {
    return object("lineItems", array(object("quantity", quantity, "catalogReference",
                                            object("appId", storesAppId, "catalogItemId", productId))));
}

/// What a failed operation failed with; a default-constructed code if it did not fail.
template <class Operation>
boost::system::error_code codeOf(Operation&& operation) {
    try {
        operation();
    } catch (const boost::system::system_error& error) {
        return error.code();
    }
    return boost::system::error_code();
}

}  // namespace wix::test
