// Filter, sort and paging of one query. Pure.
#ifndef WIX_TESTING_QUERY_PAGE_HPP
#define WIX_TESTING_QUERY_PAGE_HPP

#include <boost/json/value.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include "testing/query_filter.hpp"

namespace wix::testing::detail {

struct Query {
    Query() = default;
    boost::json::object filter;
    boost::json::array sort;  ///< `[{"fieldName","order"}]`
    std::size_t limit = 100;
    std::size_t offset = 0;
};

/// How a body spells its page.
enum class Paging {
    offset,  ///< `paging{limit,offset}`
    cursor,  ///< `cursorPaging{limit,cursor}`; with a cursor, filter and sort are those inside it
};

/// Reads `query{filter,sort,paging|cursorPaging}`. Filter and sort may be strings that hold JSON, and an entry of
/// sort may be `{"price":"desc"}`, as Stores V1 wants them. Throws Refusal (400) for all that is wrong.
Query readQuery(const boost::json::object& body, Paging paging, const FieldNames& fields);

struct Page {
    Page() = default;
    std::vector<std::size_t> indexes;  ///< Into the records.
    std::size_t offset = 0;
    std::size_t total = 0;  ///< Of all that match.
};
Page select(const std::vector<boost::json::object>& records, const Query& query);

/// `{"count","cursors":{"next","prev"},"hasNext"}`; a cursor is null at either end.
boost::json::object cursorMetadata(const Query& query, const Page& page);

}  // namespace wix::testing::detail

#endif
