#include "call/consistency.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using wix::detail::Consistency;

TEST_CASE("nothing is sent before something is learned") {
    const Consistency consistency;
    CHECK(consistency.valueFor(0) == "");
    CHECK(consistency.valueFor(1) == "");
}

TEST_CASE("the latest value of a session is sent with all its requests") {
    Consistency consistency;
    consistency.learn(1, "a");
    CHECK(consistency.valueFor(1) == "a");
    CHECK(consistency.valueFor(1) == "a");
    consistency.learn(1, "b");
    CHECK(consistency.valueFor(1) == "b");
}

TEST_CASE("a value never leaves its session") {
    Consistency consistency;
    consistency.learn(3, "of three");
    for (std::uint64_t epoch : {0, 1, 2, 4, 5}) {
        CAPTURE(epoch);
        CHECK(consistency.valueFor(epoch) == "");
    }
    consistency.learn(4, "of four");
    CHECK(consistency.valueFor(3) == "");
    CHECK(consistency.valueFor(4) == "of four");
}

TEST_CASE("a late answer of an earlier session changes nothing") {
    Consistency consistency;
    consistency.learn(4, "of four");
    consistency.learn(3, "late");
    CHECK(consistency.valueFor(4) == "of four");
    CHECK(consistency.valueFor(3) == "");
}

TEST_CASE("threads see whole values") {
    Consistency consistency;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&consistency, i] {
            const std::string mine(64, static_cast<char>('a' + i));
            for (int k = 0; k < 500; ++k) {
                consistency.learn(1, mine);
                const std::string seen = consistency.valueFor(1);
                if (seen != std::string(64, seen.at(0))) throw std::logic_error("torn");
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(consistency.valueFor(1).size() == 64);
}
