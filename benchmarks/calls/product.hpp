// What the rivals do with an answer's body.
#pragma once

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include <string_view>

namespace wix::bench {

/// Parses it into a value that can be handed to a user, as the SDK's is.
inline bool isProduct(std::string_view text) { return boost::json::parse(text).at("product").is_object(); }

/// The fastest, but such a value cannot be handed on: the second floor.
inline bool isProductOnStack(std::string_view text) {
    unsigned char memory[8 * 1024];
    boost::json::monotonic_resource resource(memory, sizeof memory);
    return boost::json::parse(text, &resource).at("product").is_object();
}

}  // namespace wix::bench
