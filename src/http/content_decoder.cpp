#include "http/content_decoder.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <utility>

#include "http/header_rules.hpp"

namespace wix::detail {
namespace {

constexpr std::size_t ratioFreeBytes = std::size_t{1} << 20;
constexpr std::size_t maxRatio = 200;

// zlib's "window bits" also choose the format.
constexpr int gzipFormat = 15 + 16;
constexpr int zlibFormat = 15;
constexpr int rawFormat = -15;

Failure bad(Errc code, const char* why) { return Failure(code, std::string("HTTP answer: ") + why); }

/// Inflates one body. zlib's state is freed with it.
class Inflater {
public:
    Inflater(int format, std::string_view input) : input_(input) {
        if (inflateInit2(&stream_, format) != Z_OK) throw std::bad_alloc();  // of 44 KB: as any other allocation
    }
    ~Inflater() { inflateEnd(&stream_); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    result<std::string> run(bool severalMembers, std::size_t maxBytes) {
        for (;;) {
            const int status = inflateSome();
            if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
                return bad(Errc::response_invalid, "the compressed body is damaged");
            const std::size_t made = buffer_.size() - stream_.avail_out;
            if (made > maxBytes - output_.size())
                return bad(Errc::response_too_large, "the decompressed body is over the limit");
            output_.append(reinterpret_cast<const char*>(buffer_.data()), made);
            const std::size_t used = input_.size() - left();
            if (output_.size() > ratioFreeBytes && output_.size() / maxRatio > used)
                return bad(Errc::response_too_large, "the body is compressed more than 200 times");
            if (status == Z_STREAM_END) {
                if (left() == 0) return std::move(output_);
                if (!severalMembers || inflateReset(&stream_) != Z_OK || !startsMember(input_.substr(used)))
                    return bad(Errc::response_invalid, "bytes behind the compressed body");
            } else if (left() == 0 && made < buffer_.size()) {
                return bad(Errc::response_truncated, "the compressed body ends early");
            }
        }
    }

private:
    // zlib counts in unsigned int, so a large body goes in by parts.
    int inflateSome() {
        if (stream_.avail_in == 0) {
            const std::size_t part = std::min<std::size_t>(input_.size() - given_, std::numeric_limits<uInt>::max());
            stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input_.data() + given_));
            stream_.avail_in = static_cast<uInt>(part);
            given_ += part;
        }
        stream_.next_out = buffer_.data();
        stream_.avail_out = static_cast<uInt>(buffer_.size());
        return inflate(&stream_, Z_NO_FLUSH);
    }

    std::size_t left() const noexcept { return input_.size() - given_ + stream_.avail_in; }

    static bool startsMember(std::string_view rest) {
        return rest.starts_with(std::string_view("\x1F\x8B").substr(0, rest.size()));
    }

    z_stream stream_{};
    std::string_view input_;
    std::size_t given_ = 0;
    std::string output_;
    std::array<Bytef, std::size_t{16} << 10> buffer_;
};

/// The specification means zlib's wrapper, some servers send none. A raw stream cannot begin with this header: it
/// would be a stored block with padding that is not zero.
bool hasZlibHeader(std::string_view body) noexcept {
    if (body.size() < 2) return true;
    const auto first = static_cast<unsigned char>(body[0]);
    const auto second = static_cast<unsigned char>(body[1]);
    return (first & 0x0F) == 8 && (first * 256 + second) % 31 == 0;
}

std::string_view trim(std::string_view text) noexcept {
    const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
    return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

/// Takes the next coding from the front of `list`. Empty elements and identity change nothing, and are passed over.
std::string_view takeCoding(std::string_view& list) noexcept {
    while (!list.empty()) {
        const std::string_view element = list.substr(0, list.find(','));
        list.remove_prefix(std::min(element.size() + 1, list.size()));
        const std::string_view coding = trim(element);
        if (!coding.empty() && !equalsIgnoreCase(coding, "identity")) return coding;
    }
    return {};
}

}  // namespace

bool isCoded(std::string_view contentEncoding) noexcept { return !takeCoding(contentEncoding).empty(); }

result<std::string> decodeContent(std::string_view contentEncoding, std::string body, std::size_t maxBytes) {
    if (body.empty()) return body;
    const std::string_view coding = takeCoding(contentEncoding);
    if (coding.empty()) {
        if (body.size() > maxBytes) return bad(Errc::response_too_large, "the body is over the limit");
        return body;
    }
    const bool gzip = equalsIgnoreCase(coding, "gzip") || equalsIgnoreCase(coding, "x-gzip");
    if ((!gzip && !equalsIgnoreCase(coding, "deflate")) || isCoded(contentEncoding))
        return bad(Errc::response_invalid, "a content coding that was not asked for");
    if (gzip) return Inflater(gzipFormat, body).run(true, maxBytes);
    return Inflater(hasZlibHeader(body) ? zlibFormat : rawFormat, body).run(false, maxBytes);
}

}  // namespace wix::detail
