#include "http/name_lookup.hpp"

#include "http/host_lookups.hpp"

namespace wix::detail {

std::unique_ptr<NameLookup> systemLookup(const boost::asio::any_io_executor& executor) {
    return HostLookups::ofProcess()->factory()(executor);
}

}  // namespace wix::detail
