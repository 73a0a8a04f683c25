// The rivals' way to undo `Content-Encoding: gzip`: a state that is made once for each connection.
#pragma once

#include <zlib.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace wix::bench {

class Gunzip {
public:
    Gunzip() {
        constexpr int gzipFormat = 15 + 16;
        if (::inflateInit2(&stream_, gzipFormat) != Z_OK) throw std::runtime_error("zlib cannot start");
    }
    ~Gunzip() { ::inflateEnd(&stream_); }
    Gunzip(const Gunzip&) = delete;
    Gunzip& operator=(const Gunzip&) = delete;

    /// Valid until the next call.
    std::string_view operator()(std::string_view compressed) {
        ::inflateReset(&stream_);
        // zlib does not write through next_in; its type only predates const.
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
        stream_.avail_in = static_cast<uInt>(compressed.size());
        stream_.next_out = reinterpret_cast<Bytef*>(text_.data());
        stream_.avail_out = static_cast<uInt>(text_.size());
        if (::inflate(&stream_, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("the body does not decompress");
        return std::string_view(text_).substr(0, text_.size() - stream_.avail_out);
    }

private:
    z_stream stream_{};
    std::string text_ = std::string(16 * 1024, '\0');
};

}  // namespace wix::bench
