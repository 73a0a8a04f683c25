// Row 81: connections that are alive and hardly move. The rule is one of throughput: so many bytes in so much time.
#include "toxics/toxic_line.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds patience{400};
constexpr std::size_t quantum = 4096;

Toxics bytesPerSecond(std::uint64_t bandwidth) {
    return toxicsWith([bandwidth](Toxics& toxics) { toxics.bandwidth = bandwidth; });
}

testing::FakeWixOptions servingLarge(bool tls) {
    testing::FakeWixOptions options = serving(tls);
    options.maxBodyBytes = 32u << 20;
    return options;
}

/// A visitor who does not wait for what stalls, but would wait long for the whole.
struct Impatient {
    explicit Impatient(bool tls) : fake(servingLarge(tls)), proxy(fake.port()), visitor(fake, options()) {}
    ClientOptions options() const {
        ClientOptions made = optionsThrough(fake, proxy);
        made.timeouts.write = made.timeouts.stall = patience;
        made.timeouts.stallBytes = quantum;
        made.timeouts.firstByte = 3s;
        made.timeouts.call = 12s;
        return made;
    }
    testing::FakeWix fake;
    ToxicProxy proxy;
    Visitor visitor;
};

/// More than what the kernels of both sides take off the sender's hands.
const std::string& muchData() {
    static const std::string made(16u << 20, 'x');
    return made;
}

}  // namespace

TEST_CASE("a download of 1 KB/s stalls: an error long before the call's deadline [81]") {
    for (const bool tls : {false, true}) {
        CAPTURE(tls);
        Impatient line(tls);
        line.fake.answerRaw("cart", answer(std::string(100'000, ' ')), false);
        line.proxy.set(Direction::downstream, bytesPerSecond(1000));
        const auto began = std::chrono::steady_clock::now();
        const Failure failure = line.visitor.failingGet();
        const auto took = std::chrono::steady_clock::now() - began;
        CHECK(failure.code == Errc::timeout);
        // Of a TLS record nothing can be read before it is there as a whole, and the head is in one with the body.
        CHECK(has(failure.context, tls ? "waiting for the answer" : "reading the answer"));
        CHECK(failure.maybeSent);
        CHECK(took >= patience);
        CHECK(took < 10s);
        line.proxy.clear();
        CHECK(line.visitor.failingGet().code == Errc::api_error);
        line.visitor.checkUntouched();
    }
}

TEST_CASE("a download that is slow, and fast enough, is not ended, however long it takes [81]") {
    Impatient line(false);
    line.fake.answerRaw("cart", answer(std::string(60'000, ' ') + "{}"), false);
    line.proxy.set(Direction::downstream, bytesPerSecond(40'000));  // 16 KB in the time for 4
    const auto began = std::chrono::steady_clock::now();
    CHECK(runOn(line.visitor.io, line.visitor.client.get(cartPath)) == object());
    CHECK(std::chrono::steady_clock::now() - began > 2 * patience);
    line.visitor.checkUntouched();
}

TEST_CASE("an upload of 1 KB/s stalls: an error long before the call's deadline, and nothing is sent again [81]") {
    for (const bool tls : {false, true}) {
        CAPTURE(tls);
        Impatient line(tls);
        line.proxy.set(Direction::upstream, bytesPerSecond(1000));
        const auto began = std::chrono::steady_clock::now();
        const Failure failure = failureOf(
            line.visitor.io, line.visitor.client.fetch(Request("POST", addPath).body(muchData(), "text/plain")));
        const auto took = std::chrono::steady_clock::now() - began;
        CHECK(failure.code == Errc::timeout);
        CHECK(has(failure.context, "sending the request"));
        CHECK(failure.maybeSent);
        CHECK(took >= patience);
        CHECK(took < 10s);
        CHECK(line.proxy.counts().accepted() == 1);
        line.proxy.clear();
        CHECK(line.visitor.failingGet().code == Errc::api_error);
        line.visitor.checkUntouched();
    }
}

TEST_CASE("an upload that is slow, and fast enough, arrives [81]") {
    Impatient line(false);
    line.proxy.set(Direction::upstream, bytesPerSecond(12u << 20));
    const auto began = std::chrono::steady_clock::now();
    const Response response =
        runOn(line.visitor.io, line.visitor.client.fetch(Request("POST", addPath).body(muchData(), "text/plain")));
    CHECK(response.status() == 400);  // it is no JSON
    CHECK(std::chrono::steady_clock::now() - began > 2 * patience);
    line.visitor.checkUntouched();
}
