// The driver of ControlState: one for a Transport, client id and set of token request headers. Its visitor lives in memory
// only and is no session.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/home_operation.hpp"
#include "auth/control_state.hpp"
#include "base/clock.hpp"
#include "base/shared_objects.hpp"
#include "http/transport_interface.hpp"

namespace wix::detail {

/// Finds out whether the token endpoint accepts refreshes of this client now. Sessions that ask while a request is in
/// flight share it. Thread-safe.
class ControlVisitor final : public SharedObjects::Object, public std::enable_shared_from_this<ControlVisitor> {
public:
    /// `request` is a token request without its body. The transport may own this object.
    ControlVisitor(std::weak_ptr<TransportInterface> transport, WireRequest request, std::string clientId,
                   const Clock& clock);

    using Operation = HomeOperation<ControlOutcome>::Deferred;
    /// Begins when it is awaited. `home` is the strand of the session. A wait that is stopped has failed; the request
    /// continues for the others.
    Operation ask(const boost::asio::any_io_executor& home, WaitLimits limits);

    bool isForgettable() const override;

private:
    class Wait;
    class Completion;

    void enter(const std::shared_ptr<Wait>& wait);
    void leave(const Wait& wait);
    void complete(ControlState::Next last) noexcept;
    void abandon() noexcept;
    ControlState::Next answered(const TokenAnswer& answer);
    std::shared_ptr<WireRequest> makeRequest(ControlState::Next next);
    static boost::asio::awaitable<void> run(std::shared_ptr<ControlVisitor> self, ControlState::Next next);

    const std::weak_ptr<TransportInterface> transport_;
    const WireRequest request_;
    const std::string clientId_;
    const Clock& clock_;
    mutable std::mutex mutex_;  // guards the next two
    ControlState state_;
    std::vector<std::shared_ptr<Wait>> waits_;
};

}  // namespace wix::detail
