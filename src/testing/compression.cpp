#include "testing/compression.hpp"

#include <zlib.h>

#include <algorithm>
#include <stdexcept>

namespace wix::testing::detail {

namespace {

constexpr std::size_t shortBody = 200;

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
}

// `;q=0`, `;q=0.0`: named to be refused.
bool isRefused(std::string_view parameters) {
    const auto at = parameters.find("q=");
    if (at == std::string_view::npos) return false;
    const std::string_view weight = trimmed(parameters.substr(at + 2));
    return weight.starts_with('0') && weight.find_first_of("123456789") == std::string_view::npos;
}

/// Deflates one body after the other. zlib's state is 256 KB: to make it for each body costs more than all the rest.
class Deflater {
public:
    /// zlib's "window bits", which also choose the format.
    explicit Deflater(int windowBits) {
        if (deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::runtime_error("zlib cannot start");
    }
    ~Deflater() { deflateEnd(&stream_); }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;

    std::string run(std::string_view bytes) {
        if (deflateReset(&stream_) != Z_OK) throw std::runtime_error("zlib cannot start");
        std::string compressed(deflateBound(&stream_, static_cast<uLong>(bytes.size())), '\0');
        // zlib does not write through next_in; its type only predates const.
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        stream_.next_out = reinterpret_cast<Bytef*>(compressed.data());
        stream_.avail_out = static_cast<uInt>(compressed.size());
        if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("zlib did not finish");
        compressed.resize(stream_.total_out);
        return compressed;
    }

private:
    z_stream stream_{};
};

}  // namespace

Coding chooseCoding(std::string_view acceptEncoding) {
    Coding chosen = Coding::identity;
    while (!acceptEncoding.empty()) {
        const std::string_view item = acceptEncoding.substr(0, acceptEncoding.find(','));
        acceptEncoding.remove_prefix(std::min(item.size() + 1, acceptEncoding.size()));
        const auto semicolon = item.find(';');
        const std::string_view name = trimmed(item.substr(0, semicolon));
        if (semicolon != std::string_view::npos && isRefused(item.substr(semicolon))) continue;
        if (equalsIgnoringCase(name, "gzip")) return Coding::gzip;
        if (equalsIgnoringCase(name, "deflate")) chosen = Coding::deflate;
    }
    return chosen;
}

std::string compress(std::string_view bytes, Coding coding) {
    if (coding == Coding::gzip) {
        thread_local Deflater gzip(15 + 16);
        return gzip.run(bytes);
    }
    thread_local Deflater zlib(15);
    return zlib.run(bytes);
}

void compressReply(HttpReply& reply, std::string_view acceptEncoding) {
    if (reply.exact || reply.body.size() <= shortBody) return;
    reply.headers.emplace_back("Vary", "Accept-Encoding");
    const Coding coding = chooseCoding(acceptEncoding);
    if (coding == Coding::identity) return;
    reply.body = compress(reply.body, coding);
    reply.headers.emplace_back("Content-Encoding", coding == Coding::gzip ? "gzip" : "deflate");
}

}  // namespace wix::testing::detail
