// The order of blocking calls.
#include <doctest/doctest.h>

#include <string>

#include "base/keyed_queue.hpp"

using Queue = wix::detail::KeyedQueue<std::string>;

namespace {

/// The items that begin now, each followed by a space.
std::string begun(Queue& queue) {
    std::string items;
    while (auto call = queue.begin()) items += call->item + " ";
    return items;
}

}  // namespace

TEST_CASE("calls without a key and calls of different keys begin together, in order of arrival [C6]") {
    Queue queue;
    queue.push("", "1");
    queue.push("a", "2");
    queue.push("b", "3");
    queue.push("", "4");
    CHECK(queue.ready() == 4);
    CHECK(begun(queue) == "1 2 3 4 ");
    CHECK(queue.ready() == 0);
}

TEST_CASE("calls of one key begin one after the other [C6]") {
    Queue queue;
    const auto first = queue.push("a", "1");
    const auto second = queue.push("a", "2");
    queue.push("a", "3");
    queue.push("b", "4");
    CHECK(begun(queue) == "1 4 ");
    queue.end(first);
    CHECK(begun(queue) == "2 ");
    queue.push("a", "5");
    CHECK(begun(queue) == "");
    queue.end(second);
    CHECK(begun(queue) == "3 ");
}

TEST_CASE("the oldest call that may begin is first, whenever its key became free") {
    Queue queue;
    const auto first = queue.push("a", "1");
    CHECK(begun(queue) == "1 ");
    queue.push("a", "2");
    queue.push("b", "3");
    queue.end(first);
    CHECK(begun(queue) == "2 3 ");
}

TEST_CASE("a call that has not begun can be withdrawn, and the next one of its key takes its place") {
    Queue queue;
    const auto first = queue.push("a", "1"), second = queue.push("a", "2"), third = queue.push("a", "3");
    CHECK(queue.withdraw(second) == "2");
    CHECK_FALSE(queue.withdraw(second));
    CHECK(queue.withdraw(first) == "1");
    CHECK(begun(queue) == "3 ");
    CHECK_FALSE(queue.withdraw(third));
    queue.end(third);
    queue.push("a", "4");
    CHECK(begun(queue) == "4 ");
}

TEST_CASE("a queue knows whether the calls up to a number have ended") {
    Queue queue;
    CHECK(queue.haveEnded(queue.last()));
    const auto first = queue.push("a", "1"), second = queue.push("a", "2");
    const auto last = queue.last();
    CHECK_FALSE(queue.haveEnded(last));
    begun(queue);
    queue.push("b", "3");  // later: it does not count
    queue.end(first);
    CHECK_FALSE(queue.haveEnded(last));
    CHECK(queue.haveEnded(last, second));
    queue.withdraw(second);
    CHECK(queue.haveEnded(last));
    CHECK_FALSE(queue.haveEnded(queue.last()));
}

TEST_CASE("the end of a call that is not in the queue changes nothing") {
    Queue queue;
    queue.end(7);
    CHECK_FALSE(queue.withdraw(7));
    queue.push("a", "1");
    queue.end(7);
    CHECK(begun(queue) == "1 ");
}
