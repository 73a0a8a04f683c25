// Names to addresses.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/connect_race.hpp"

namespace wix::detail {

/// One lookup of one connection. Nothing is kept between lookups: a name that points elsewhere now is found there.
class NameLookup {
public:
    using Done = std::function<void(const boost::system::error_code&, const std::vector<Endpoint>&)>;

    virtual ~NameLookup() = default;
    /// Calls `done` on the executor that it was made with, unless it is destroyed before: with an error, or at least
    /// one address.
    virtual void resolve(const std::string& host, std::uint16_t port, Done done) = 0;
};

using NameLookupFactory = std::function<std::unique_ptr<NameLookup>(const boost::asio::any_io_executor&)>;

/// The system's resolver (getaddrinfo): its hosts file, its order of addresses.
std::unique_ptr<NameLookup> systemLookup(const boost::asio::any_io_executor& executor);

}  // namespace wix::detail
