// Feeds a target with files: those of the folders and files that are its arguments. Without libFuzzer, for any compiler.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"

namespace fs = std::filesystem;

namespace {

bool replay(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return false;
    const std::vector<char> text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    // Without room behind its end, so that a sanitizer sees who reads too far.
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    try {
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
        return true;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", file.c_str(), error.what());
        return false;
    }
}

}  // namespace

int main(int count, char** arguments) {
    int replayed = 0, failed = 0;
    const auto take = [&](const fs::path& file) {
        std::printf("%s\n", file.c_str());  // if it ends the program, its name is the last one
        std::fflush(stdout);
        ++(replay(file) ? replayed : failed);
    };
    for (int i = 1; i < count; ++i) {
        if (!fs::is_directory(arguments[i])) {
            take(arguments[i]);
            continue;
        }
        for (const auto& entry : fs::directory_iterator(arguments[i])) take(entry.path());
    }
    std::printf("%d inputs replayed, %d failed\n", replayed, failed);
    return failed == 0 && replayed > 0 ? 0 : 1;
}
