// What the fuzz targets share. A target is one function: libFuzzer calls it with inputs of its own making, the replay
// program with the files of its corpus. A rule that does not hold ends the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <wix/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace wix::fuzz {

/// Stands for a secret. No text of the SDK looks like it by chance, and none may have it.
inline constexpr std::string_view canary = "q7ZcAnArYx3";

/// Ends the program, with a text, unless `holds`.
void require(bool holds, const char* rule);

/// The text of an error: printable ASCII, short, and without the canary.
void requireHarmless(std::string_view text);

/// A failure of one of the SDK's codes whose text is harmless.
void requireHarmless(const Failure& failure);

/// An input, taken apart from the front. What is not there is zero or empty.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

    unsigned number();  ///< One byte.
    /// Up to the next line feed, which is dropped.
    std::string_view line();
    std::string_view rest() const noexcept { return rest_; }

private:
    std::string_view rest_;
};

/// `text` with the canary inserted at a place that `where` chooses.
std::string withCanary(std::string_view text, unsigned where);

}  // namespace wix::fuzz
