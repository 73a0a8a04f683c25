// Compressed answers, for clients that ask for them. Pure.
#ifndef WIX_TESTING_COMPRESSION_HPP
#define WIX_TESTING_COMPRESSION_HPP

#include <string>
#include <string_view>

#include "testing/http_message.hpp"

namespace wix::testing::detail {

enum class Coding { identity, gzip, deflate };

/// What an `Accept-Encoding` allows, gzip first.
Coding chooseCoding(std::string_view acceptEncoding);
std::string compress(std::string_view bytes, Coding coding);
/// Compresses the body and announces it, unless it is exact, short or not accepted.
void compressReply(HttpReply& reply, std::string_view acceptEncoding);

}  // namespace wix::testing::detail

#endif
