#include "support/sample.hpp"

#include <boost/json/serialize.hpp>

#include <cstdio>

namespace json = boost::json;

namespace wix::bench {

void sample(std::string_view subject, const json::object& parameters, std::string_view metric, std::string_view unit,
            double value) {
    json::object line;
    line["subject"] = subject;
    line["parameters"] = parameters;
    line["metric"] = metric;
    line["unit"] = unit;
    line["value"] = value;
    std::puts(json::serialize(line).c_str());
    std::fflush(stdout);
}

}  // namespace wix::bench
