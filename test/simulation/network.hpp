// The transport of the simulation: token requests wait for the story to move them on, API calls are answered at once.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "http/transport_interface.hpp"
#include "world.hpp"

namespace wix::simulation {

namespace asio = boost::asio;

/// A token request on its way.
struct Exchange {
    Exchange(const asio::any_io_executor& executor, std::string text) : body(std::move(text)), wake(executor) {}
    std::string body;
    bool sent = false;
    bool processed = false;
    bool dropped = false;  // stopped before it was sent
    bool aborted = false;
    std::optional<result<detail::HttpReply>> answer;
    detail::MonotonicTimer wake;
};

class Network final : public detail::TransportInterface {
public:
    asio::awaitable<result<detail::HttpReply>> send(detail::WireRequestPtr request,
                                                    detail::WaitLimits limits) override {
        if (request->target != "/oauth2/token") return call(std::move(request), std::move(limits));
        throwIfDue();
        return exchange(this, std::move(request), std::move(limits));
    }
    std::shared_ptr<void> backgroundSlot() override {
        throwIfDue();
        return slots ? std::make_shared<int>() : nullptr;
    }

    detail::RetryQuotas& retryQuotas() override { return quotas; }

    detail::RetryQuotas quotas;
    std::shared_ptr<Exchange> pending;  // at most one: a second one is a violation
    std::function<void(const std::string& body)> onExchange;
    std::function<void(const Exchange& ended)> onExchangeEnded;
    std::function<detail::HttpReply(const detail::WireRequest& request)> onCall;
    std::function<void()> onTimeout;
    std::function<void()> onCannotStart;
    int exchanges = 0;
    bool slots = true;
    bool throwsAtOnce = false;

private:
    void throwIfDue() {
        if (!std::exchange(throwsAtOnce, false)) return;
        onCannotStart();
        throw std::bad_alloc();
    }
    asio::awaitable<result<detail::HttpReply>> exchange(Network* network, detail::WireRequestPtr request,
                                                        detail::WaitLimits limits) {
        require(!network->pending, "a second exchange is in flight");
        const auto made = std::make_shared<Exchange>(co_await asio::this_coro::executor, request->body);
        network->pending = made;
        ++network->exchanges;
        network->onExchange(made->body);
        const auto abort = [made] {
            made->aborted = true;
            made->wake.cancel();
        };
        const auto drop = [made] {
            if (made->sent) return;
            made->dropped = true;
            made->wake.cancel();
        };
        const std::stop_callback onAbort(limits.stop, abort);
        const std::stop_callback onDrop(limits.stopUnsent, drop);
        boost::system::error_code ended;
        if (!made->answer && !made->aborted && !made->dropped) {
            made->wake.expires_at(limits.deadline);
            co_await made->wake.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        }
        network->pending.reset();
        network->onExchangeEnded(*made);
        if (made->answer) co_return std::move(*made->answer);
        Failure failure(asio::error::operation_aborted, request->describe());
        if (!made->aborted && !made->dropped) {
            network->onTimeout();
            failure.code = Errc::timeout;
        }
        failure.maybeSent = made->sent;
        co_return failure;
    }
    asio::awaitable<result<detail::HttpReply>> call(detail::WireRequestPtr request, detail::WaitLimits limits) {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        if (limits.stop.stop_requested()) co_return Failure(asio::error::operation_aborted, request->describe());
        co_return onCall(*request);
    }
};

/// The transport of the control: its requests take a moment, and the endpoint answers them by itself.
class ControlNetwork final : public detail::TransportInterface {
public:
    asio::awaitable<result<detail::HttpReply>> send(detail::WireRequestPtr request, detail::WaitLimits) override {
        return send(this, std::move(request));
    }
    std::shared_ptr<void> backgroundSlot() override { return nullptr; }
    detail::RetryQuotas& retryQuotas() override { return quotas; }

    detail::RetryQuotas quotas;
    std::shared_ptr<detail::MonotonicTimer> pending;
    std::function<detail::HttpReply(const std::string& body)> onRequest;

private:
    static asio::awaitable<result<detail::HttpReply>> send(ControlNetwork* network, detail::WireRequestPtr request) {
        const auto timer = std::make_shared<detail::MonotonicTimer>(co_await asio::this_coro::executor);
        network->pending = timer;
        timer->expires_after(300ms);
        boost::system::error_code ended;
        co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ended));
        network->pending.reset();
        co_return network->onRequest(request->body);
    }
};

}  // namespace wix::simulation
