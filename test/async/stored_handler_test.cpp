// A handler is kept, moved and called once; large ones and small ones.
#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "async/stored_handler.hpp"

using wix::detail::StoredHandler;

namespace {

using Text = std::unique_ptr<std::string>;  // no copies

struct Small {
    explicit Small(std::shared_ptr<std::string> where) : heard(std::move(where)) {}
    void operator()(Text said) { *heard += *said; }
    std::shared_ptr<std::string> heard;
};

struct Large {
    explicit Large(std::shared_ptr<std::string> where) : heard(std::move(where)) {}
    void operator()(Text said) { *heard += *said; }
    std::shared_ptr<std::string> heard;
    std::array<char, 200> ballast{};
};

template <class Handler>
void keepMoveAndCall() {
    const auto heard = std::make_shared<std::string>();
    StoredHandler<Text> first{Handler(heard)};
    CHECK(heard.use_count() == 2);
    StoredHandler<Text> second(std::move(first));
    first = std::move(second);
    second = std::move(first);
    CHECK(heard.use_count() == 2);
    second(std::make_unique<std::string>("ready"));
    CHECK(*heard == "ready");
    CHECK(heard.use_count() == 1);  // what it owned goes with the call
}

template <class Handler>
void dropUncalled() {
    const auto heard = std::make_shared<std::string>();
    {
        StoredHandler<Text> kept{Handler(heard)};
        kept = StoredHandler<Text>(Handler(heard));
        CHECK(heard.use_count() == 2);
    }
    CHECK(heard.use_count() == 1);
    CHECK(heard->empty());
}

}  // namespace

TEST_CASE("a stored handler is called once, wherever it has been moved") {
    keepMoveAndCall<Small>();
    keepMoveAndCall<Large>();
}

TEST_CASE("a stored handler that is never called goes with its place") {
    dropUncalled<Small>();
    dropUncalled<Large>();
}

TEST_CASE("a stored handler may destroy its place when it is called") {
    struct Destroys {
        void operator()(int) { place->reset(); }
        std::optional<StoredHandler<int>>* place;
    };
    std::optional<StoredHandler<int>> place;
    place.emplace(Destroys{&place});
    (*place)(1);
    CHECK_FALSE(place.has_value());
}
