// The proxy of cold_start as a program, for clients in processes of their own: delaying_proxy PORT ROUND_TRIP_MS
//
// Says {"port": ...} when it listens. To each line of its input it answers what has come since the line before,
// {"connections": ..., "flights": ...}, and ends with its input.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "support/toxic_proxy.hpp"

int main(int count, char** values) {
    const int port = count == 3 ? std::atoi(values[1]) : 0;
    const int roundTrip = count == 3 ? std::atoi(values[2]) : -1;
    if (port < 1 || port > 65'535 || roundTrip < 0) {
        std::fprintf(stderr, "usage: delaying_proxy PORT ROUND_TRIP_MS\n");
        return 2;
    }
    using wix::test::Direction;
    wix::test::ToxicProxy proxy(static_cast<std::uint16_t>(port));
    wix::test::Toxics later;
    later.latency = std::chrono::milliseconds(roundTrip) / 2;
    for (const Direction direction : {Direction::upstream, Direction::downstream}) proxy.set(direction, later);
    std::printf("{\"port\": %u}\n", static_cast<unsigned>(proxy.port()));
    std::fflush(stdout);
    std::size_t connections = 0;
    std::uint64_t flights = 0;
    for (std::string line; std::getline(std::cin, line);) {
        const wix::test::ProxyCounts counts = proxy.counts();
        std::printf("{\"connections\": %zu, \"flights\": %llu}\n", counts.accepted() - connections,
                    static_cast<unsigned long long>(counts.flights() - flights));
        std::fflush(stdout);
        connections = counts.accepted();
        flights = counts.flights();
    }
}
