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
    constexpr int gzipFormat = 16;
    z_stream stream{};
    const int windowBits = coding == Coding::gzip ? 15 + gzipFormat : 15;
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::runtime_error("zlib cannot start");
    }
    std::string compressed(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
    // zlib does not write through next_in; its type only predates const.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
    stream.avail_out = static_cast<uInt>(compressed.size());
    const int outcome = deflate(&stream, Z_FINISH);
    compressed.resize(stream.total_out);
    deflateEnd(&stream);
    if (outcome != Z_STREAM_END) throw std::runtime_error("zlib did not finish");
    return compressed;
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
