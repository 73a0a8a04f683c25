// The whole Wix site without a network: a request goes in, an answer comes out. Pure: the time is a parameter.
#ifndef WIX_TESTING_SITE_HPP
#define WIX_TESTING_SITE_HPP

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "testing/events.hpp"
#include "testing/router.hpp"
#include "testing/shop.hpp"
#include "testing/tokens.hpp"

namespace wix::testing::detail {

/// `X-Wix-Consistent`: each write gives its visitor a new opaque value, and clients send the latest one.
class Consistency {
public:
    explicit Consistency(std::uint64_t seed) : guids_(seed) {}

    std::string issue(const std::string& visitorId);
    void see(const std::string& visitorId, std::string_view value);

    std::uint64_t issued() const noexcept { return issued_; }
    std::uint64_t replayed() const noexcept { return replayed_; }
    std::uint64_t foreign() const noexcept { return foreign_; }

private:
    GuidSource guids_;
    std::map<std::string, std::string> latest_;
    std::uint64_t issued_ = 0;
    std::uint64_t replayed_ = 0;
    std::uint64_t foreign_ = 0;
};

class Site {
public:
    explicit Site(std::uint64_t seed);
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    Match match(std::string_view method, std::string_view path) const { return router_.match(method, path); }
    /// Errors too are answers. `match` is that of the request.
    HttpReply answer(const Match& match, const HttpRequest& request, Time now);

    Tokens& tokens() noexcept { return tokens_; }
    const Tokens& tokens() const noexcept { return tokens_; }
    void setUrl(std::string url) { url_ = std::move(url); }
    /// Visitors, tokens, carts and checkouts. Secret.
    boost::json::object save() const;
    void load(const boost::json::object& saved);
    const Shop& shop() const noexcept { return shop_; }
    const BoxOffice& office() const noexcept { return office_; }
    const Consistency& consistency() const noexcept { return consistency_; }

private:
    HttpReply handle(const Match& match, const HttpRequest& request, Time now);

    std::string url_ = "https://shop.example";  // where browsers find the pages of the site
    GuidSource guids_;
    Tokens tokens_;
    Shop shop_;
    BoxOffice office_;
    Consistency consistency_;
    Router router_;
};

}  // namespace wix::testing::detail

#endif
