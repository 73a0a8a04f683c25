// A request for Client::fetch.
#ifndef WIX_REQUEST_HPP
#define WIX_REQUEST_HPP

#include <boost/json/value.hpp>

#include <memory>
#include <string>
#include <utility>

#include <wix/body.hpp>
#include <wix/options.hpp>

namespace wix {

/// Any HTTP request to the API. A value: it may be copied and sent again.
///
///     co_await client.fetch(wix::Request("GET", "/stores/v3/products/slug/mug").header("Accept-Language", "de"));
class WIX_EXPORT Request {
public:
    /// `target` starts with exactly one `/` (`/path?query`), or is an absolute URL below apiUrl or edgeUrl.
    /// It is checked when it is sent: what may not go on the wire fails with Errc::invalid_target.
    Request(std::string method, std::string target) : method_(std::move(method)), target_(std::move(target)) {}

    /// Adds a header field. Those that decide about authorization, framing or the connection belong to the SDK and
    /// fail with Errc::invalid_header: `Authorization`, `X-Wix-Consistent`, `Host`, `Content-Length`, `Connection`,
    /// `Transfer-Encoding`, `TE`, `Trailer`, `Upgrade`, `Expect`, `Proxy-*`, ...
    ///
    /// Without an `Accept-Encoding` the SDK asks for gzip and decodes the response; with `Range` it asks for identity,
    /// since a part of an encoded body cannot be decoded. With an `Accept-Encoding` of your own Client::fetch returns the
    /// body as it came, and the response's `Content-Encoding` says how it is encoded. JSON calls always decode.
    Request& header(std::string name, std::string value) {
        options_.headers.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    /// Sets the body as it is.
    Request& body(std::string bytes, std::string contentType) {
        body_ = std::move(bytes);
        source_.reset();
        contentType_ = std::move(contentType);
        return *this;
    }
    /// Sets a body that is read while it is sent. Copies of the request share it.
    Request& body(std::shared_ptr<BodySource> source, std::string contentType) {
        body_.clear();
        source_ = std::move(source);
        contentType_ = std::move(contentType);
        return *this;
    }
    /// Sets a JSON body.
    Request& json(const boost::json::value& value);
    /// Whether the request may be sent again although the server may have processed it.
    Request& idempotent(bool yes = true) {
        options_.idempotent = yes;
        return *this;
    }
    /// Replaces headers, timeout, idempotence and stop token.
    Request& options(CallOptions options) {
        options_ = std::move(options);
        return *this;
    }

    const std::string& method() const noexcept { return method_; }
    const std::string& target() const noexcept { return target_; }
    const std::string& body() const noexcept { return body_; }
    const std::shared_ptr<BodySource>& source() const noexcept { return source_; }
    const std::string& contentType() const noexcept { return contentType_; }
    const CallOptions& options() const noexcept { return options_; }

private:
    std::string method_;
    std::string target_;
    std::string body_;
    std::shared_ptr<BodySource> source_;
    std::string contentType_;
    CallOptions options_;
};

}  // namespace wix

#endif
