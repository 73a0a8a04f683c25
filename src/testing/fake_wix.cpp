#include <wix/testing/fake_wix.hpp>

#include <random>
#include <utility>

#include "testing/core.hpp"
#include "testing/server.hpp"

namespace wix::testing {

namespace {

std::uint64_t randomSeed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

class FakeWix::Impl {
public:
    explicit Impl(const FakeWixOptions& options)
        : tls(options.tls), core(randomSeed(), options.accessTokenLifetime), server(options, prepared(core, options)) {}

    static detail::Core& prepared(detail::Core& core, const FakeWixOptions& options) {
        if (!options.stateFile.empty()) core.keepStateIn(options.stateFile);
        return core;
    }

    const bool tls;
    detail::Core core;
    detail::Server server;  // last: it uses the core until it has ended
};

std::string ReceivedRequest::header(std::string_view name) const {
    return std::string(detail::findHeader(headers, name));
}

FakeWix::FakeWix(FakeWixOptions options) : impl_(std::make_unique<Impl>(options)) { impl_->core.setSiteUrl(url()); }

FakeWix::~FakeWix() = default;

std::string FakeWix::url() const {
    return (impl_->tls ? "https://localhost:" : "http://localhost:") + std::to_string(port());
}

std::uint16_t FakeWix::port() const noexcept { return impl_->server.port(); }

std::string FakeWix::caPem() const { return impl_->server.caPem(); }

void FakeWix::setAccessTokenLifetime(std::chrono::seconds lifetime) { impl_->core.setAccessTokenLifetime(lifetime); }

void FakeWix::setRotation(Rotation rotation) { impl_->core.setRotation(rotation); }

void FakeWix::setRefreshTokenInReply(bool included) { impl_->core.setRefreshTokenInReply(included); }

void FakeWix::expireAccessTokens() { impl_->core.expireAccessTokens(); }

void FakeWix::revokeTokens() { impl_->core.revokeTokens(); }

void FakeWix::revokeTokens(std::string_view visitorId) { impl_->core.revokeTokens(visitorId); }

void FakeWix::advanceClock(std::chrono::seconds by) { impl_->core.advanceClock(by); }

void FakeWix::failNext(std::string_view endpoint, std::size_t count, ScriptedReply reply) {
    impl_->core.queueFault(endpoint, count, std::move(reply));
}

void FakeWix::cutNext(std::string_view endpoint, std::size_t count, CutPoint at) {
    impl_->core.queueFault(endpoint, count, at);
}

void FakeWix::dripNext(std::string_view endpoint, std::size_t count, std::chrono::milliseconds pause) {
    impl_->core.queueFault(endpoint, count, detail::Drip(pause));
}

void FakeWix::answerRaw(std::string_view endpoint, std::string bytes, bool thenClose) {
    impl_->core.queueFault(endpoint, 1, detail::RawAnswer(std::move(bytes), thenClose));
}

void FakeWix::setDelay(std::string_view endpoint, std::chrono::milliseconds delay) {
    impl_->core.setDelay(endpoint, delay);
}

void FakeWix::setRateLimit(std::size_t perMinute, bool retryAfter) { impl_->core.setRateLimit(perMinute, retryAfter); }

void FakeWix::clearFaults() { impl_->core.clearFaults(); }

void FakeWix::hold(std::string_view endpoint, HoldPoint at) {
    detail::checkEndpoint(endpoint);
    impl_->core.gate().hold(endpoint, at);
}

void FakeWix::release(std::string_view endpoint) {
    detail::checkEndpoint(endpoint);
    impl_->core.gate().release(endpoint);
}

bool FakeWix::waitUntilHeld(std::string_view endpoint, std::size_t count, std::chrono::milliseconds timeout) const {
    detail::checkEndpoint(endpoint);
    return impl_->core.gate().waitUntilHeld(endpoint, count, timeout);
}

FakeWixState FakeWix::state() const { return impl_->core.state(); }

std::map<std::string, std::uint64_t> FakeWix::markers() const { return impl_->core.markers(); }

std::vector<ReceivedRequest> FakeWix::requests(std::string_view endpoint) const {
    return impl_->core.requests(endpoint);
}

}  // namespace wix::testing
