// Content codings. What comes out keeps the limit and the ratio, and what was compressed comes out as it was.
#include <zlib.h>

#include <string>

#include "fuzz/fuzz.hpp"
#include "http/content_decoder.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::fuzz;

namespace {

constexpr const char* codings[] = {"gzip",       "deflate",        "",          "identity", " X-GZIP\t", "br",
                                   "gzip, gzip", "identity, gzip", ",deflate ,"};
constexpr std::size_t limits[] = {0, 1, 100, 16384, 65536, std::size_t{4} << 20};

/// zlib's "window bits" choose the format.
std::string compress(std::string_view text, int windowBits) {
    z_stream stream{};
    require(deflateInit2(&stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib starts");
    std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib ends");
    packed.resize(packed.size() - stream.avail_out);
    deflateEnd(&stream);
    return packed;
}

void decode(std::string_view coding, std::string_view body, std::size_t limit) {
    const auto plain = decodeContent(coding, std::string(body), limit);
    if (!plain) {
        const auto& code = plain.error().code;
        require(code == Errc::response_too_large || code == Errc::response_truncated || code == Errc::response_invalid,
                "a refused body has its code");
        return requireHarmless(plain.error());
    }
    require(plain->size() <= limit, "a body keeps its limit");
    require(plain->size() <= (std::size_t{1} << 20) || plain->size() / 200 <= body.size(), "a body keeps the ratio");
}

/// `text` in one format, with `cut` bytes missing at its end.
void checkCompressed(std::string_view coding, std::string_view text, int windowBits, std::size_t cut) {
    const std::string packed = compress(text, windowBits);
    const auto whole = decodeContent(coding, packed, text.size());
    require(whole && *whole == text, "what was compressed comes out as it was");
    if (!text.empty()) {
        const auto narrow = decodeContent(coding, packed, text.size() - 1);
        require(!narrow && narrow.error().code == Errc::response_too_large, "not one byte above the limit");
    }
    const std::size_t left = packed.size() - 1 - cut % packed.size();
    if (left == 0) return;  // an empty body is empty in any coding
    require(!decodeContent(coding, packed.substr(0, left), text.size()), "a part is not taken for the whole");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const unsigned how = input.number();
    const unsigned where = input.number();
    const std::string_view body = input.rest();
    for (const char* coding : codings) decode(coding, body, limits[how % std::size(limits)]);
    if (body.size() > 4096) return 0;
    checkCompressed("gzip", body, 15 + 16, where);
    checkCompressed("deflate", body, 15, where);
    checkCompressed("deflate", body, -15, where);
    return 0;
}
