// Names to addresses.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/context_registry.hpp"
#include "http/connect_race.hpp"

namespace wix::detail {

/// One look-up of one connection.
class NameLookup {
public:
    using Done = std::function<void(const boost::system::error_code&, const std::vector<Endpoint>&)>;

    virtual ~NameLookup() = default;
    /// Calls `done` on the executor that it was made with, unless it is destroyed before: with an error, or at least
    /// one address.
    virtual void resolve(const std::string& host, std::uint16_t port, Done done) = 0;
    /// When the look-up began that resolve() waits for: the limit of a look-up counts from then. Nothing: with resolve().
    virtual std::optional<SteadyTime> begunAt() const { return std::nullopt; }
    /// The addresses led to no connection. The next look-up of this host begins anew.
    virtual void forget() noexcept {}
};

using NameLookupFactory = std::function<std::unique_ptr<NameLookup>(const boost::asio::any_io_executor&)>;

/// The system's resolver. Look-ups of a host are shared within the process: see HostLookups.
std::unique_ptr<NameLookup> systemLookup(const boost::asio::any_io_executor& executor);

}  // namespace wix::detail
