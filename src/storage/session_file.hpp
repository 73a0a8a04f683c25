// One session in one file: the blocking half of FileTokenStorage. POSIX calls, no executor, no exceptions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <wix/error.hpp>
#include <wix/token_storage.hpp>

namespace wix::detail {

/// The system calls that a test can make fail, or stop the program at.
enum class FileStep {
    openFile,
    readFile,
    openDirectory,
    createTemporary,
    protectTemporary,
    writeTemporary,
    syncTemporary,
    closeTemporary,
    rename,
    unlink,
    syncDirectory,
};

/// Called before each step; anything but 0 is the errno that the step fails with.
using FileStepHook = int (*)(FileStep);

/// Keeps the rules of FileTokenStorage (see there). Thread-safe: calls in one process run one after the other, whichever
/// objects they are of, so the comparison of versions holds. Texts name the file and what to do, never its content.
class SessionFile {
public:
    explicit SessionFile(std::filesystem::path file, FileStepHook hook = nullptr);

    result<std::optional<StoredTokens>> load(std::string_view key);
    result<SaveResult> save(std::string_view key, const Tokens& tokens, std::uint64_t expectedVersion);
    result<void> erase(std::string_view key);

private:
    class Descriptor;
    template <class Call>
    auto attempt(FileStep step, Call call) const;

    result<std::optional<StoredTokens>> read(std::string_view key) const;
    result<std::optional<StoredTokens>> readOpen(const Descriptor& file, std::string_view key) const;
    result<StoredTokens> decode(std::string_view text, std::string_view key) const;
    std::optional<Failure> checkKind(const struct stat& status) const;
    result<Descriptor> openDirectory();
    std::optional<Failure> writeTemporary(int directory, const std::string& name, const std::string& text) const;
    std::optional<Failure> syncDirectory(const Descriptor& directory) const;
    void removeLeftovers(int directory) const;
    Failure problem(Errc code, const std::string& why) const;
    Failure unavailable(const std::string& what, int error) const;

    std::filesystem::path file_;
    std::filesystem::path directory_;
    std::string name_;
    FileStepHook hook_;
    std::uint64_t newestVersion_ = 0;  // also of an erased record: its number is not used again
    bool lookedForLeftovers_ = false;
};

}  // namespace wix::detail
