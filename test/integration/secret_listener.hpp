// Somebody who listens to all that the SDK says, and a client that carries secrets wherever it can.
#pragma once

#include <iostream>
#include <optional>
#include <set>
#include <sstream>

#include "integration/failures.hpp"
#include "support/secrets.hpp"

namespace wix::test {

inline const std::string planted{plantedSecret};

/// Remembers everything that is said while it lives. (Not std::cout: doctest writes there.)
class Listener {
public:
    Listener() : err_(std::cerr.rdbuf(said_.rdbuf())), log_(std::clog.rdbuf(said_.rdbuf())) {}
    ~Listener() {
        std::cerr.rdbuf(err_);
        std::clog.rdbuf(log_);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    void hear(const Failure& failure) {
        codes_.insert(failure.code.value());
        said_ << failure.context << '\n' << failure.code.message() << '\n' << Error(failure).what() << '\n';
        if (failure.apiError) said_ << failure.apiError->what() << '\n';
    }
    template <class Operation>
    void hear(Operation operation) {
        try {
            operation();
        } catch (const ApiError& error) {
            said_ << error.code() << '\n' << error.what() << '\n';
            hear(error.failure());
        } catch (const Error& error) {
            said_ << error.what() << '\n';
            hear(error.failure());
        } catch (const std::exception& error) {
            said_ << error.what() << '\n';
        }
    }
    std::ostream& log() { return said_; }
    bool heard(Errc code) const { return codes_.contains(static_cast<int>(code)); }
    std::string text() const { return said_.str(); }

private:
    std::ostringstream said_;
    std::set<int> codes_;
    std::streambuf *err_, *log_;
};

/// As somebody's log would have it.
class Logger final : public Observer {
public:
    explicit Logger(Listener& listener) : listener_(listener) {}
    void requestRetried(const RequestRetried& event) override {
        listener_.log() << "retried " << event.request << ' ' << event.reason << ' ' << event.error.message() << '\n';
    }
    void requestFinished(const RequestFinished& event) override {
        listener_.log() << "finished " << event.request << ' ' << event.reason << ' ' << event.error.message() << ' '
                        << event.requestId << '\n';
    }
    void renewalStarted(const RenewalStarted& event) override {
        listener_.log() << "renewal " << event.attempt << ' ' << reasonName(event.reason) << '\n';
    }
    void renewalFinished(const RenewalFinished& event) override {
        listener_.log() << "renewed " << event.attempt << ' ' << reasonName(event.reason) << '\n';
    }
    void renewalFailed(const RenewalFailed& event) override { listener_.hear(event.failure); }
    void sessionLost(const SessionLost& event) override {
        listener_.log() << "lost " << roleName(event.role) << '\n';
        listener_.hear(event.failure);
    }
    void saveFailed(const SaveFailed& event) override { listener_.hear(event.failure); }

private:
    Listener& listener_;
};

/// A client whose tokens, headers and requests all hold the secret.
class Carrier {
public:
    Carrier(const testing::FakeWix& fake, Listener& listener) : Carrier(listener, optionsFor(fake)) {}
    Carrier(Listener& listener, ClientOptions options) : listener_(listener) {
        options.headers.emplace_back("X-Api-Key", planted);
        options.observer = std::make_shared<Logger>(listener);
        options.timeouts.call = std::chrono::seconds(5);
        strategy_.tokens = tokens(std::chrono::hours(2));
        client.emplace(io.get_executor(), strategy_, std::move(options));
    }
    static Tokens tokens(std::chrono::seconds life, TokenRole role = TokenRole::visitor) {
        const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        return Tokens(AccessToken("OauthNG.JWS." + planted, now + life), RefreshToken((role == TokenRole::member ? "JWS.member-" : "JWS.") + planted, role));
    }

    /// Sends the secret in every place that a request has.
    void call() {
        CallOptions options;
        options.headers.emplace_back("X-Session", planted);
        listener_.hear([&] { runOn(io, client->get(cartPath + "?key=" + planted, options)); });
        listener_.hear(
            [&] { runOn(io, client->post(addPath + "?key=" + planted, object("password", planted), options)); });
        listener_.hear([&] {
            runOn(io, client->fetch(Request("PUT", cartPath + "?key=" + planted)
                                        .header("Cookie", planted)
                                        .body(planted, "text/plain")));
        });
        listener_.hear([&] { runOn(io, client->graphql("{ a(key: \"" + planted + "\") }", object("key", planted))); });
    }
    void renew() {
        listener_.hear([&] { runOn(io, client->renewToken()); });
    }

    boost::asio::io_context io;
    std::optional<Client> client;

private:
    Listener& listener_;
    OAuthStrategy strategy_{clientId};
};

}  // namespace wix::test
