// JSON bodies in one expression.
//
// A braced list of JSON values inside a co_await is rejected by g++ 12 ("array used as initializer").
// These two build the same without braces:
//
//     co_await client.post("/stores-reader/v1/products/query",
//                          wix::object("query", wix::object("paging", wix::object("limit", 3))));
#ifndef WIX_JSON_HPP
#define WIX_JSON_HPP

#include <boost/json/value.hpp>

#include <cstddef>
#include <ranges>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace wix {

/// An object of alternating keys and values: `object("limit", 3, "offset", 0)`. A later key wins.
template <class... KeysAndValues>
boost::json::value object(KeysAndValues&&... keysAndValues) {
    static_assert(sizeof...(KeysAndValues) % 2 == 0, "wix::object takes key, value, key, value, ...");
    boost::json::object made;
    made.reserve(sizeof...(KeysAndValues) / 2);
    auto all = std::forward_as_tuple(std::forward<KeysAndValues>(keysAndValues)...);
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (made.insert_or_assign(std::string_view(std::get<2 * I>(all)),
                               boost::json::value(std::get<2 * I + 1>(std::move(all)))),
         ...);
    }
    (std::make_index_sequence<sizeof...(KeysAndValues) / 2>{});
    return made;
}

/// A range that is no JSON value itself, such as a vector of texts.
template <class T>
concept JsonRange = std::ranges::input_range<T> && !std::is_constructible_v<boost::json::value, T>;

/// An array of the elements of a range: `array(std::vector<std::string>{"a", "b"})`. A range of ranges gives an array of
/// arrays.
template <JsonRange Range>
boost::json::value array(Range&& range) {
    using Element = std::ranges::range_value_t<Range>;
    boost::json::array made;
    for (auto&& element : range) {
        if constexpr (JsonRange<Element>)
            made.push_back(array(static_cast<const Element&>(element)));
        else
            made.emplace_back(static_cast<const Element&>(element));
    }
    return made;
}

/// An array: `array("a", 1, object("b", true))`.
template <class... Values>
boost::json::value array(Values&&... values) {
    boost::json::array made;
    made.reserve(sizeof...(Values));
    (made.emplace_back(std::forward<Values>(values)), ...);
    return made;
}

}  // namespace wix

#endif
