#include "call/option_rules.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

using namespace wix;
using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

using std::chrono::milliseconds;

std::string verdict(const std::optional<Failure>& failure, Errc code = Errc::invalid_argument) {
    if (!failure) return "fine";
    CHECK(failure->code == code);
    return failure->context;
}

template <class Options>
std::string checked(const std::function<void(Options&)>& change) {
    Options options;
    change(options);
    return verdict(checkOptions(options));
}

std::string client(const std::function<void(ClientOptions&)>& change) { return checked<ClientOptions>(change); }
std::string transport(const std::function<void(TransportOptions&)>& change) {
    return checked<TransportOptions>(change);
}

std::string strategy(const std::function<void(OAuthStrategy&)>& change, Errc code = Errc::invalid_argument) {
    OAuthStrategy made("11111111-2222-3333-4444-555555555555");
    change(made);
    return verdict(checkStrategy(made), code);
}

}  // namespace

TEST_CASE("the defaults are fine") {
    CHECK(client([](ClientOptions&) {}) == "fine");
    CHECK(transport([](TransportOptions&) {}) == "fine");
    CHECK(strategy([](OAuthStrategy&) {}) == "fine");
}

TEST_CASE("each timeout is positive and at most a day, and the text names it") {
    const std::pair<const char*, milliseconds Timeouts::*> all[] = {{"resolve", &Timeouts::resolve},
                                                                    {"connect", &Timeouts::connect},
                                                                    {"tls", &Timeouts::tls},
                                                                    {"write", &Timeouts::write},
                                                                    {"firstByte", &Timeouts::firstByte},
                                                                    {"stall", &Timeouts::stall},
                                                                    {"call", &Timeouts::call},
                                                                    {"tokenExchange", &Timeouts::tokenExchange},
                                                                    {"storage", &Timeouts::storage}};
    for (const auto& [name, member] : all) {
        CAPTURE(name);
        const std::string wanted = std::string("Timeouts::") + name + " must be more than 0 and at most 24 h";
        const auto with = [which = member](milliseconds value) {
            return client([&](ClientOptions& options) { options.timeouts.*which = value; });
        };
        for (const milliseconds bad : {0ms, -1ms, milliseconds(24h) + 1ms, milliseconds::max(), milliseconds::min()}) {
            CAPTURE(bad.count());
            CHECK(with(bad) == wanted);
        }
        for (const milliseconds good : {1ms, 5000ms, milliseconds(24h)}) {
            CAPTURE(good.count());
            CHECK(with(good) == "fine");
        }
    }
}

TEST_CASE("what counts as a stall") {
    for (const auto& [bytes, good] :
         {std::pair(std::size_t{0}, false), std::pair(std::size_t{1}, true), std::pair(std::size_t{1} << 20, true),
          std::pair((std::size_t{1} << 20) + 1, false), std::pair(std::numeric_limits<std::size_t>::max(), false)}) {
        CAPTURE(bytes);
        CHECK(client([&, size = bytes](ClientOptions& options) { options.timeouts.stallBytes = size; }) ==
              (good ? "fine" : "Timeouts::stallBytes must be 1 byte to 1 MiB"));
    }
}

TEST_CASE("retries") {
    const std::string attempts = "RetryOptions::maxAttempts must be 1 to 10";
    for (int bad : {0, -1, 11, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
        CAPTURE(bad);
        CHECK(client([&](ClientOptions& options) { options.retry.maxAttempts = bad; }) == attempts);
    }
    for (int good : {1, 3, 10}) {
        CAPTURE(good);
        CHECK(client([&](ClientOptions& options) { options.retry.maxAttempts = good; }) == "fine");
    }
    struct Case {
        milliseconds first, most;
        const char* expected;
    };
    const char* bad = "RetryOptions::firstDelay must be 0 to maxDelay, which is at most 24 h";
    for (const Case& c : {Case{0ms, 0ms, "fine"}, Case{0ms, 5s, "fine"}, Case{5s, 5s, "fine"}, Case{24h, 24h, "fine"},
                          Case{5001ms, 5s, bad}, Case{-1ms, 5s, bad}, Case{-2ms, -1ms, bad}, Case{0ms, 25h, bad},
                          Case{milliseconds::max(), milliseconds::max(), bad}}) {
        CAPTURE(c.first.count());
        CAPTURE(c.most.count());
        CHECK(client([&](ClientOptions& options) {
                  options.retry.firstDelay = c.first;
                  options.retry.maxDelay = c.most;
              }) == c.expected);
    }
}

TEST_CASE("limits of an answer") {
    for (const auto& [bytes, good] :
         {std::pair(std::size_t{0}, false), std::pair(std::size_t{1}, true), std::pair(std::size_t{1} << 31, true),
          std::pair((std::size_t{1} << 31) + 1, false), std::pair(std::numeric_limits<std::size_t>::max(), false)}) {
        CAPTURE(bytes);
        CHECK(client([&, size = bytes](ClientOptions& options) { options.maxResponseBytes = size; }) ==
              (good ? "fine" : "ClientOptions::maxResponseBytes must be 1 byte to 2 GiB"));
    }
    for (const auto& [bytes, good] :
         {std::pair(std::size_t{0}, false), std::pair(std::size_t{1023}, false), std::pair(std::size_t{1024}, true),
          std::pair(std::size_t{1} << 24, true), std::pair((std::size_t{1} << 24) + 1, false)}) {
        CAPTURE(bytes);
        CHECK(client([&, size = bytes](ClientOptions& options) { options.maxHeaderBytes = size; }) ==
              (good ? "fine" : "ClientOptions::maxHeaderBytes must be 1 KiB to 16 MiB"));
    }
}

TEST_CASE("headers of the options are checked like those of a call, and their values are not shown") {
    const auto with = [](std::string name, std::string value) {
        ClientOptions options;
        options.headers.emplace_back(std::move(name), std::move(value));
        return verdict(checkOptions(options), Errc::invalid_header);
    };
    CHECK(with("Accept-Language", "de") == "fine");
    CHECK(with("X", "SECRET\r\n") ==
          "ClientOptions::headers: X: the value has a character that is not printable ASCII");
    CHECK(with("X\n", "SECRET") == "ClientOptions::headers: a header name has a character that is not allowed");
    CHECK(with("authorization", "SECRET") == "ClientOptions::headers: authorization: this header belongs to the SDK");
    const auto forTokens = [](OAuthStrategy& made) { made.tokenRequestHeaders.emplace_back("X", "SECRET\n"); };
    CHECK(strategy(forTokens, Errc::invalid_header) ==
          "OAuthStrategy::tokenRequestHeaders: X: the value has a character that is not printable ASCII");
    CHECK(strategy([](OAuthStrategy& made) { made.tokenRequestHeaders.emplace_back("client-binding", "b"); }) ==
          "fine");
}

TEST_CASE("a transport's options") {
    const std::string connections = "TransportOptions::maxConnectionsPerOrigin must be 1 to 65535";
    for (std::size_t bad : {std::size_t{0}, std::size_t{65'536}, std::numeric_limits<std::size_t>::max()}) {
        CAPTURE(bad);
        CHECK(transport([&](TransportOptions& options) { options.maxConnectionsPerOrigin = bad; }) == connections);
    }
    for (std::size_t good : {1u, 64u, 65'535u}) {
        CAPTURE(good);
        CHECK(transport([&](TransportOptions& options) { options.maxConnectionsPerOrigin = good; }) == "fine");
    }
    const std::string idle = "TransportOptions::maxIdleTime must be 0 (no reuse) to 24 h";
    for (const milliseconds bad : {-1ms, milliseconds(24h) + 1ms, milliseconds::max(), milliseconds::min()}) {
        CAPTURE(bad.count());
        CHECK(transport([&](TransportOptions& options) { options.maxIdleTime = bad; }) == idle);
    }
    for (const milliseconds good : {0ms, 1ms, milliseconds(24h)}) {
        CAPTURE(good.count());
        CHECK(transport([&](TransportOptions& options) { options.maxIdleTime = good; }) == "fine");
    }
    CHECK(transport([](TransportOptions& options) { options.maxBackgroundRenewals = 0; }) == "fine");
    for (std::size_t bad : {std::size_t{0}, std::size_t{65'536}, std::numeric_limits<std::size_t>::max()}) {
        CAPTURE(bad);
        CHECK(transport([&](TransportOptions& options) { options.maxConnections = bad; }) ==
              "TransportOptions::maxConnections must be 1 to 65535");
    }
    CHECK(transport([](TransportOptions& options) { options.maxConnections = 1; }) == "fine");
    CHECK(transport([](TransportOptions& options) { options.maxConnections = 65'535; }) == "fine");
    CHECK(transport([](TransportOptions& options) { options.maxTokenRequests = 0; }) ==
          "TransportOptions::maxTokenRequests must be 1 to 65535");
    CHECK(transport([](TransportOptions& options) { options.maxIdlePerOrigin = 65'536; }) ==
          "TransportOptions::maxIdlePerOrigin must be 0 (no reuse) to 65535");
    CHECK(transport([](TransportOptions& options) { options.maxIdlePerOrigin = 0; }) == "fine");
    for (const milliseconds bad : {0ms, -1ms, milliseconds(24h) + 1ms, milliseconds::max(), milliseconds::min()}) {
        CAPTURE(bad.count());
        CHECK(transport([&](TransportOptions& options) { options.maxConnectionAge = bad; }) ==
              "TransportOptions::maxConnectionAge must be more than 0 and at most 24 h");
    }
    CHECK(transport([](TransportOptions& options) { options.maxConnectionAge = 24h; }) == "fine");
}

TEST_CASE("the retry quota") {
    for (std::size_t good : {std::size_t{0}, std::size_t{10}, std::size_t{1'000'000}})
        CHECK(transport([&](TransportOptions& options) { options.retryReserve = good; }) == "fine");
    for (std::size_t bad : {std::size_t{1'000'001}, std::numeric_limits<std::size_t>::max()})
        CHECK(transport([&](TransportOptions& options) { options.retryReserve = bad; }) ==
              "TransportOptions::retryReserve must be 0 to 1000000");
    for (int good : {0, 20, 100})
        CHECK(transport([&](TransportOptions& options) { options.retryPercent = good; }) == "fine");
    for (int bad : {-1, 101, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()})
        CHECK(transport([&](TransportOptions& options) { options.retryPercent = bad; }) ==
              "TransportOptions::retryPercent must be 0 to 100");
}

TEST_CASE("redirects of one call") {
    for (int good : {0, 1, 20}) CHECK(verdict(checkMaxRedirects(good)) == "fine");
    for (int bad : {-1, 21, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()})
        CHECK(verdict(checkMaxRedirects(bad)) == "CallOptions::maxRedirects must be 0 to 20");
}

TEST_CASE("how long a close may wait") {
    using namespace std::chrono_literals;
    for (const auto good : {0ms, 1ms, std::chrono::milliseconds(24h)}) CHECK(verdict(checkDrainTime(good)) == "fine");
    for (const auto bad : {-1ms, std::chrono::milliseconds(24h) + 1ms, std::chrono::milliseconds::max()})
        CHECK(verdict(checkDrainTime(bad)) == "close(drain) must be 0 to 24 h");
}

TEST_CASE("a client id is visible ASCII without spaces, and is not repeated") {
    for (const std::string& bad : {std::string(), std::string(257, 'a'), std::string("a b"), std::string(" a"),
                                   std::string("a\r\nb"), std::string("a\0b", 3), std::string("\xC3\xA4")}) {
        CAPTURE(bad);
        const std::string text = strategy([&](OAuthStrategy& made) { made.clientId = bad; });
        CHECK(text ==
              "OAuthStrategy::clientId must be the client id from the site's Headless settings: visible ASCII "
              "without spaces");
    }
    for (const std::string& good : {std::string("a"), std::string(256, 'a'), std::string("a-b_c.1")}) {
        CAPTURE(good);
        CHECK(strategy([&](OAuthStrategy& made) { made.clientId = good; }) == "fine");
    }
}

TEST_CASE("renewal windows") {
    const std::string mandatory = "RenewalWindows::mandatory must be 1 s to 5 min";
    for (const std::chrono::seconds bad : {0s, -1s, 301s}) {
        CAPTURE(bad.count());
        CHECK(strategy([&](OAuthStrategy& made) { made.windows.mandatory = bad; }) == mandatory);
    }
    for (const std::chrono::seconds good : {1s, 60s, 300s}) {
        CAPTURE(good.count());
        CHECK(strategy([&](OAuthStrategy& made) { made.windows.mandatory = good; }) == "fine");
    }
    struct Case {
        std::chrono::seconds min, max;
        bool good;
    };
    for (const Case& c : {Case{1s, 1s, true}, Case{30s, 300s, true}, Case{3600s, 3600s, true}, Case{0s, 300s, false},
                          Case{-1s, 300s, false}, Case{31s, 30s, false}, Case{30s, 3601s, false}}) {
        CAPTURE(c.min.count());
        CAPTURE(c.max.count());
        const std::string text = strategy([&](OAuthStrategy& made) {
            made.windows.advisoryMin = c.min;
            made.windows.advisoryMax = c.max;
        });
        CHECK(text.starts_with("RenewalWindows::advisoryMin must be") == !c.good);
    }
}

TEST_CASE("tokens may go into a header; the text says which one may not, and not what it is") {
    const auto of = [](std::string access, std::string refresh) {
        Tokens tokens(AccessToken(std::move(access), {}), RefreshToken(std::move(refresh), TokenRole::visitor));
        return verdict(checkTokens(tokens, "here"), Errc::invalid_token);
    };
    CHECK(of("", "") == "fine");
    CHECK(of("OauthNG.JWS.a", "IST.b") == "fine");
    CHECK(of("", "IST.b") == "fine");
    CHECK(of(std::string(64 << 10, 'a'), "") == "fine");
    CHECK(of(std::string((64 << 10) + 1, 'a'), "") == "here, the access token: it is longer than 64 KB");
    CHECK(of("", std::string((64 << 10) + 1, 'a')) == "here, the refresh token: it is longer than 64 KB");
    for (const std::string& bad : {std::string("SECRET\r\n"), std::string("SEC RET"), std::string("SECRET\0", 7),
                                   std::string("SECRET\x7F"), std::string("SECRET\xC3\xA4"), std::string("\tSECRET")}) {
        CAPTURE(bad);
        CHECK(of(bad, "fine") == "here, the access token");
        CHECK(of("fine", bad) == "here, the refresh token");
        CHECK(of("", bad) == "here, the refresh token");
    }
    const auto initial = [](OAuthStrategy& made) { made.tokens.refreshToken.value = "SECRET\n"; };
    CHECK(strategy(initial, Errc::invalid_token) == "OAuthStrategy::tokens, the refresh token");
}

TEST_CASE("the timeout of one call") {
    for (const milliseconds bad : {0ms, -1ms, milliseconds(24h) + 1ms, milliseconds::max(), milliseconds::min()}) {
        CAPTURE(bad.count());
        CHECK(verdict(checkCallTimeout(bad)) == "CallOptions::timeout must be more than 0 and at most 24 h");
    }
    for (const milliseconds good : {1ms, milliseconds(24h)}) CHECK(verdict(checkCallTimeout(good)) == "fine");
}
