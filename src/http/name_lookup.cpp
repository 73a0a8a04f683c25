#include "http/name_lookup.hpp"

#include <boost/asio/ip/basic_resolver.hpp>

#include <utility>

namespace asio = boost::asio;

namespace wix::detail {
namespace {

class SystemLookup final : public NameLookup {
public:
    explicit SystemLookup(const asio::any_io_executor& executor) : resolver_(executor) {}

    void resolve(const std::string& host, std::uint16_t port, Done done) override {
        resolver_.async_resolve(
            host, std::to_string(port), Resolver::numeric_service,
            [done = std::move(done)](const boost::system::error_code& error, const Resolver::results_type& found) {
                if (error == asio::error::operation_aborted) return;  // destroyed: nobody waits
                std::vector<Endpoint> endpoints;
                for (const auto& entry : found) endpoints.push_back(entry.endpoint());
                done(error, endpoints);
            });
    }

private:
    using Resolver = asio::ip::basic_resolver<asio::ip::tcp, asio::any_io_executor>;
    Resolver resolver_;
};

}  // namespace

std::unique_ptr<NameLookup> systemLookup(const asio::any_io_executor& executor) {
    return std::make_unique<SystemLookup>(executor);
}

}  // namespace wix::detail
