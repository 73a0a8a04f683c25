// What a connection keeps of its buffers between requests.
#pragma once

#include <cstddef>
#include <string>

namespace wix::detail {

/// An idle connection keeps no buffer that is larger than this: one large body would stay allocated as long as it lives.
constexpr std::size_t keptBufferBytes = std::size_t{64} << 10;

/// Empties `buffer`, and frees it if it is large.
inline void emptyBuffer(std::string& buffer) noexcept {
    if (buffer.capacity() > keptBufferBytes)
        std::string().swap(buffer);
    else
        buffer.clear();
}

}  // namespace wix::detail
