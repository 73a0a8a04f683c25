// What a story starts from.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>

#include <wix/options.hpp>

#include "endpoint.hpp"
#include "trace.hpp"

namespace wix::simulation {

struct Setup {
    enum class Start { nothing, record, tokens, both };
    enum class Ending { rest, contextDies, managerDies };

    explicit Setup(std::uint64_t seed) {
        std::mt19937_64 dice(seed * 2);
        const auto any = [&](std::uint64_t bound) { return static_cast<int>(dice() % bound); };
        storage = any(3) != 0;
        siblings = storage && any(3) == 0;
        rotation = static_cast<Rotation>(any(3));
        policy = any(4) == 0 ? SessionLostPolicy::fail : SessionLostPolicy::newVisitor;
        start = storage ? static_cast<Start>(any(4)) : any(2) ? Start::tokens : Start::nothing;
        role = any(4) == 0 ? TokenRole::member : TokenRole::visitor;
        static constexpr int lives[] = {14'400, 14'400, 600, 60, 20, 2};
        life = std::chrono::seconds(lives[any(6)]);
        static constexpr int skews[] = {0, 0, 600, -600};
        skew = std::chrono::seconds(skews[any(4)]);
        ending = any(5) != 0 ? Ending::rest : any(2) ? Ending::contextDies : Ending::managerDies;
        // Half of those where an old refresh token ends the session: it is the other programs' renewals that matter then.
        if (rotation == Rotation::strict && siblings && Trace::mixed(seed ^ 0x402) % 2 == 0)
            rotation = Rotation::refuse;
        const std::uint64_t front = Trace::mixed(seed ^ 0x403) % 32;
        gateway = front < 4 ? static_cast<Gateway>(1 + front) : Gateway::none;
        hidesDeath = front >= 4 && front < 8;
        forbidden = Trace::mixed(seed ^ 0x401) % 16 == 0;
    }

    std::string text() const {
        static constexpr const char* starts[] = {"nothing", "a record", "tokens", "tokens and a record"};
        static constexpr const char* rotations[] = {"no rotation", "rotation with grace", "strict rotation",
                                                    "rotation that refuses old tokens"};
        static constexpr const char* gateways[] = {"", ", a gateway refuses refreshes",
                                                   ", a gateway refuses everything", ", a gateway refuses grants",
                                                   ", a gateway refuses refreshes with alternating codes"};
        static constexpr const char* endings[] = {"", ", the context is destroyed at the end",
                                                  ", the manager is dropped at the end"};
        return std::string(storage ? "storage" : "no storage") + (siblings ? " with siblings" : "") + ", " +
               rotations[static_cast<int>(rotation)] + ", starts with " + starts[static_cast<int>(start)] + " of a " +
               std::string(roleName(role)) + ", policy " + (policy == SessionLostPolicy::fail ? "fail" : "newVisitor") +
               ", life " + std::to_string(life.count()) + " s, endpoint's clock " + std::to_string(skew.count()) +
               " s off" + (forbidden ? ", every API call is refused" : "") + gateways[static_cast<int>(gateway)] +
               (hidesDeath ? ", dead tokens are refused ambiguously" : "") + endings[static_cast<int>(ending)];
    }

    bool storage = false;
    bool siblings = false;
    Rotation rotation = Rotation::none;
    SessionLostPolicy policy = SessionLostPolicy::newVisitor;
    Start start = Start::nothing;
    TokenRole role = TokenRole::visitor;
    std::chrono::seconds life{0};
    std::chrono::seconds skew{0};
    Ending ending = Ending::rest;
    Gateway gateway = Gateway::none;
    bool hidesDeath = false;  ///< The endpoint refuses dead refresh tokens with an error that does not say so.
    bool forbidden = false;  ///< The API refuses every call with a 401, whatever its token.
};

}  // namespace wix::simulation
