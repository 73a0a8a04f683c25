// What a benchmark program says: one JSON object on each line, a value of one round.
#pragma once

#include <boost/json/object.hpp>

#include <string_view>

namespace wix::bench {

/// Prints {"subject": ..., "parameters": ..., "metric": ..., "unit": ..., "value": ...}. Those of several rounds that
/// differ in `value` alone become one record, with the median.
void sample(std::string_view subject, const boost::json::object& parameters, std::string_view metric,
            std::string_view unit, double value);

}  // namespace wix::bench
