#include "storage/session_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>

#include "storage/session_record.hpp"

namespace wix::detail {
namespace {

constexpr std::size_t maxFileSize = std::size_t{1} << 20;
constexpr std::string_view temporaryEnd = ".wix-tmp";
constexpr std::size_t temporaryDigits = 16;
constexpr std::string_view hexDigits = "0123456789abcdef";

/// One for the process: two objects may be of one file. Never destroyed while a thread of the program may run.
constinit std::mutex oneAtATime;

std::string temporaryStart(const std::string& name) { return "." + name + "."; }

/// Another one for each save: if two processes use one file all the same, neither writes into the other's.
std::string temporaryName(const std::string& name) {
    std::array<unsigned char, temporaryDigits / 2> random{};
    // Without randomness the name is taken at worst, and O_EXCL notices.
    static_cast<void>(::getrandom(random.data(), random.size(), GRND_NONBLOCK));
    std::string text = temporaryStart(name);
    for (unsigned char byte : random) {
        text += hexDigits[byte >> 4];
        text += hexDigits[byte & 15];
    }
    return text.append(temporaryEnd);
}

bool isTemporaryOf(const std::string& name, std::string_view entry) {
    const std::string start = temporaryStart(name);
    if (entry.size() != start.size() + temporaryDigits + temporaryEnd.size()) return false;
    if (!entry.starts_with(start) || !entry.ends_with(temporaryEnd)) return false;
    return entry.substr(start.size(), temporaryDigits).find_first_not_of(hexDigits) == entry.npos;
}

}  // namespace

/// A file descriptor that is closed with it.
class SessionFile::Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const noexcept { return number_; }
    /// Linux has closed it even if this fails.
    int close() noexcept { return ::close(std::exchange(number_, -1)); }

private:
    int number_;
};

SessionFile::SessionFile(std::filesystem::path file, FileStepHook hook)
    : file_(std::move(file)), directory_(file_.parent_path()), name_(file_.filename().string()), hook_(hook) {
    if (directory_.empty()) directory_ = ".";
}

template <class Call>
auto SessionFile::attempt(FileStep step, Call call) const {
    using Value = decltype(call());
    for (;;) {
        const int error = hook_ ? hook_(step) : 0;
        const Value value = error == 0 ? call() : Value{-1};
        if (error != 0) errno = error;
        if (value >= 0 || errno != EINTR) return value;
    }
}

Failure SessionFile::problem(Errc code, const std::string& why) const {
    return Failure(code, "session file " + file_.string() + ": " + why);
}

Failure SessionFile::unavailable(const std::string& what, int error) const {
    return problem(Errc::storage_unavailable, what + ": " + std::generic_category().message(error));
}

std::optional<Failure> SessionFile::checkKind(const struct stat& status) const {
    if (S_ISLNK(status.st_mode))
        return problem(Errc::storage_refused, "it is a symbolic link; give the path of the file itself");
    if (!S_ISREG(status.st_mode))
        return problem(Errc::storage_refused, "it is not a regular file; choose another path");
    if (status.st_uid != ::geteuid())
        return problem(Errc::storage_refused, "it belongs to another user; choose another path, or chown it");
    if ((status.st_mode & 077) != 0)
        return problem(Errc::storage_refused, "others may use it; if nobody has, run: chmod 600 " + file_.string());
    return std::nullopt;
}

result<std::optional<StoredTokens>> SessionFile::read(std::string_view key) const {
    if (name_.empty() || name_ == "." || name_ == ".." || file_.string().find('\0') != std::string::npos)
        return problem(Errc::storage_refused, "the path does not name a file; choose another");
    const Descriptor file(attempt(FileStep::openFile, [this] {
        return ::open(file_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }));
    if (file.get() >= 0) return readOpen(file, key);
    const int error = errno;
    struct stat status {};
    if (error == ENOENT) {
        // Without its directory the record is out of reach, not absent: a volume that is not mounted yet, say.
        if (::stat(directory_.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return std::optional<StoredTokens>();
        return unavailable("cannot reach its directory", error);
    }
    if (::lstat(file_.c_str(), &status) == 0)
        if (auto failure = checkKind(status)) return std::move(*failure);
    return unavailable("cannot open it", error);
}

result<std::optional<StoredTokens>> SessionFile::readOpen(const Descriptor& file, std::string_view key) const {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return unavailable("cannot look at it", errno);
    if (auto failure = checkKind(status)) return std::move(*failure);
    std::string text;
    std::array<char, 4096> part;
    for (;;) {
        const ssize_t size = attempt(FileStep::readFile, [&] { return ::read(file.get(), part.data(), part.size()); });
        if (size < 0) return unavailable("cannot read it", errno);
        if (size == 0) break;
        text.append(part.data(), static_cast<std::size_t>(size));
        if (text.size() > maxFileSize) return problem(Errc::storage_damaged, "it is larger than 1 MiB; move it away");
    }
    auto record = decode(text, key);
    if (!record) return record.error();
    return std::optional<StoredTokens>(std::move(*record));
}

result<StoredTokens> SessionFile::decode(std::string_view text, std::string_view key) const {
    auto record = readSessionRecord(text, key);
    if (!record) return problem(Errc(record.error().code.value()), record.error().context);
    return record;
}

result<SessionFile::Descriptor> SessionFile::openDirectory() {
    Descriptor directory(attempt(FileStep::openDirectory,
                                 [this] { return ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (directory.get() < 0) return unavailable("cannot open its directory", errno);
    if (!std::exchange(lookedForLeftovers_, true)) removeLeftovers(directory.get());
    return directory;
}

/// Temporary files of runs that crashed hold tokens. Of a process that is saving just now this makes the rename fail,
/// and nothing worse.
void SessionFile::removeLeftovers(int directory) const {
    const int number = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (number < 0) return;
    DIR* const opened = ::fdopendir(number);
    if (!opened) {
        ::close(number);
        return;
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(opened, &::closedir);
    while (const dirent* entry = ::readdir(entries.get())) {
        struct stat status {};
        if (!isTemporaryOf(name_, entry->d_name)) continue;
        if (::fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISREG(status.st_mode) && status.st_uid == ::geteuid()) ::unlinkat(directory, entry->d_name, 0);
    }
}

std::optional<Failure> SessionFile::writeTemporary(int directory, const std::string& name,
                                                   const std::string& text) const {
    Descriptor file(attempt(FileStep::createTemporary, [&] {
        return ::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }));
    if (file.get() < 0) return unavailable("cannot create a file beside it", errno);
    const auto giveUp = [&](const char* what) {
        const int error = errno;
        ::unlinkat(directory, name.c_str(), 0);
        return unavailable(what, error);
    };
    // Whatever the umask was.
    if (attempt(FileStep::protectTemporary, [&] { return ::fchmod(file.get(), 0600); }) != 0)
        return giveUp("cannot set the mode of its new version");
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t size = attempt(FileStep::writeTemporary,
                                     [&] { return ::write(file.get(), text.data() + done, text.size() - done); });
        if (size < 0) return giveUp("cannot write its new version");
        done += static_cast<std::size_t>(size);
    }
    if (attempt(FileStep::syncTemporary, [&] { return ::fsync(file.get()); }) != 0)
        return giveUp("cannot sync its new version");
    const int closeError = hook_ ? hook_(FileStep::closeTemporary) : 0;
    if (file.close() != 0 || (errno = closeError) != 0) return giveUp("cannot close its new version");
    const auto rename = [&] { return ::renameat(directory, name.c_str(), directory, name_.c_str()); };
    if (attempt(FileStep::rename, rename) != 0) return giveUp("cannot replace it");
    return std::nullopt;
}

std::optional<Failure> SessionFile::syncDirectory(const Descriptor& directory) const {
    if (attempt(FileStep::syncDirectory, [&] { return ::fsync(directory.get()); }) == 0) return std::nullopt;
    if (errno == EINVAL || errno == ENOTSUP) return std::nullopt;  // this file system has no such thing
    return unavailable("cannot sync its directory", errno);
}

result<std::optional<StoredTokens>> SessionFile::load(std::string_view key) {
    const std::lock_guard lock(oneAtATime);
    return read(key);
}

result<SaveResult> SessionFile::save(std::string_view key, const Tokens& tokens, std::uint64_t expectedVersion) {
    const std::lock_guard lock(oneAtATime);
    auto present = read(key);
    if (!present) return present.error();
    const std::uint64_t presentVersion = *present ? (*present)->version : 0;
    if (presentVersion != expectedVersion)
        return SaveResult::conflict(*present ? std::move(**present) : StoredTokens());

    const std::uint64_t version = std::max(presentVersion, newestVersion_) + 1;
    const std::string text = writeSessionRecord(tokens, key, version);
    // What could not be read back, such as a key that is not UTF-8, would lock the session up for good.
    const auto readBack = decode(text, key);
    if (!readBack || readBack->tokens.accessToken.value != tokens.accessToken.value ||
        readBack->tokens.refreshToken != tokens.refreshToken || text.size() > maxFileSize)
        return problem(Errc::invalid_argument, "these tokens, or this key, cannot be written as JSON");

    auto directory = openDirectory();
    if (!directory) return directory.error();
    if (auto failure = writeTemporary(directory->get(), temporaryName(name_), text)) return std::move(*failure);
    newestVersion_ = version;
    if (auto failure = syncDirectory(*directory)) return std::move(*failure);
    return SaveResult::saved(version);
}

result<void> SessionFile::erase(std::string_view key) {
    const std::lock_guard lock(oneAtATime);
    const auto present = read(key);
    if (!present) return present.error();
    auto directory = openDirectory();  // also without a record: a save that crashed may have left tokens
    if (!directory) return directory.error();
    if (!*present) return {};
    if (attempt(FileStep::unlink, [&] { return ::unlinkat(directory->get(), name_.c_str(), 0); }) != 0 &&
        errno != ENOENT)
        return unavailable("cannot remove it", errno);
    newestVersion_ = std::max(newestVersion_, (*present)->version);
    if (auto failure = syncDirectory(*directory)) return std::move(*failure);
    return {};
}

}  // namespace wix::detail
