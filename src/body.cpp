#include <wix/body.hpp>

namespace wix {

BodySource::~BodySource() = default;
std::optional<std::uint64_t> BodySource::size() const { return std::nullopt; }
bool BodySource::rewind() { return false; }

BodySink::~BodySink() = default;

}  // namespace wix
