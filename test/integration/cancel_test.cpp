// Cancellation and deadlines: they end one caller's wait, and nothing else.
#include <doctest/doctest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/this_coro.hpp>

#include "support/fake_client.hpp"
#include "support/held.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
using testing::FakeWix;
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

asio::awaitable<void> cancellable(Client client, bool call) {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    if (call)
        co_await client.get("/ecom/v1/carts/current");
    else
        co_await client.generateVisitorTokens();
}

/// Runs until `endpoint` holds a request, cancels, and gives how the operation ended.
boost::system::error_code cancelWhenHeld(asio::io_context& io, FakeWix& fake, const std::string& endpoint,
                                         asio::awaitable<void> operation, asio::cancellation_type type) {
    std::optional<boost::system::error_code> ended;
    asio::cancellation_signal signal;
    asio::co_spawn(io, std::move(operation),
                   asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failed) {
                       ended = codeOf([&] {
                           if (failed) std::rethrow_exception(failed);
                       });
                   }));
    runUntilHeld(io, fake, endpoint);
    signal.emit(type);
    runUntil(io, [&] { return ended.has_value(); });
    return *ended;
}

}  // namespace

TEST_CASE("every kind of cancellation ends a wait for a token, and the renewal goes on") {
    FakeWix fake;
    fake.hold("token");
    for (const auto type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial, asio::cancellation_type::total}) {
        CAPTURE(static_cast<int>(type));
        asio::io_context io;
        const Client client = clientOf(io, fake);
        fake.hold("token");
        const auto code = cancelWhenHeld(io, fake, "token", cancellable(client, false), type);
        CHECK(code == asio::error::operation_aborted);
        fake.release("token");
        io.restart();
        io.run();
        CHECK_FALSE(runOn(io, client.getTokens()).empty());  // the flight has ended and stored its result
    }
    CHECK(fake.state().visitors == 3);
}

TEST_CASE("cancelling a call closes its connection and leaves the tokens alone") {
    FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    const Tokens tokens = runOn(io, client.generateVisitorTokens());
    fake.hold("cart");
    io.restart();
    CHECK(cancelWhenHeld(io, fake, "cart", cancellable(client, true), asio::cancellation_type::terminal) ==
          asio::error::operation_aborted);
    fake.release("cart");
    io.restart();
    io.run();
    CHECK(runOn(io, client.getTokens()) == tokens);
    CHECK(codeOf([&] { runOn(io, client.get("/ecom/v1/carts/current")); }) == Errc::api_error);  // no cart yet
}

TEST_CASE("a stop_token cancels from any thread, before and during a call") {
    FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    std::stop_source source;
    CallOptions options;
    options.stopToken = source.get_token();
    fake.hold("token");
    std::thread stopper([&] {
        CHECK(fake.waitUntilHeld("token", 1, 10s));
        source.request_stop();
    });
    CHECK(codeOf([&] {
              runOn(io, [&]() -> asio::awaitable<void> {
                  const auto gone = co_await asResult(client.get("/ecom/v1/carts/current", options));
                  fake.release("token");
                  if (gone.has_error()) throw_exception_from_error(gone.error(), boost::source_location());
              }());
          }) == asio::error::operation_aborted);
    stopper.join();
    CHECK(codeOf([&] { runOn(io, client.get("/ecom/v1/carts/current", options)); }) == asio::error::operation_aborted);
}
