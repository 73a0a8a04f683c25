// The fake Wix as a program of its own.
#include <wix/testing/fake_wix.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "testing/command_line.hpp"

namespace {

using wix::testing::detail::CommandLine;

/// A file that only its owner reads, removed at the end. It never replaces one that is there.
class CaFile {
public:
    CaFile(std::string path, const std::string& content) : path_(std::move(path)) {
        constexpr int newFile = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
        const int file = path_.empty() ? openTemporary() : ::open(path_.c_str(), newFile, 0600);
        if (file < 0) throw std::system_error(errno, std::generic_category(), "cannot create " + path_);
        const ssize_t written = ::write(file, content.data(), content.size());
        const bool complete = ::close(file) == 0 && written == static_cast<ssize_t>(content.size());
        if (!complete) {
            ::unlink(path_.c_str());
            throw std::runtime_error("cannot write " + path_);
        }
    }
    ~CaFile() { ::unlink(path_.c_str()); }
    CaFile(const CaFile&) = delete;
    CaFile& operator=(const CaFile&) = delete;

    const std::string& path() const noexcept { return path_; }

private:
    int openTemporary() {
        path_ = (std::filesystem::temp_directory_path() / "wix-fake-ca-XXXXXX").string();
        return ::mkostemp(path_.data(), O_CLOEXEC);
    }

    std::string path_;
};

int serve(const CommandLine& line) {
    // Blocked before the server's thread starts, so that it inherits the mask and only sigwait() gets them.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    const wix::testing::FakeWix server(line.options);
    boost::json::object ready;
    ready["url"] = server.url();
    ready["caFile"] = nullptr;
    ready["pid"] = ::getpid();
    std::optional<CaFile> caFile;
    if (line.options.tls) {
        caFile.emplace(line.caFile, server.caPem());
        ready["caFile"] = caFile->path();
    }
    std::puts(boost::json::serialize(ready).c_str());
    std::fflush(stdout);

    int received = 0;
    sigwait(&signals, &received);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const CommandLine line = wix::testing::detail::parseCommandLine({argv + 1, argv + argc});
    if (!line.error.empty()) {
        std::fprintf(stderr, "wix-fake: %s\n%s", line.error.c_str(), std::string(wix::testing::detail::usage).c_str());
        return 2;
    }
    if (line.help) {
        std::fputs(std::string(wix::testing::detail::usage).c_str(), stdout);
        return 0;
    }
    try {
        return serve(line);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "wix-fake: %s\n", error.what());
        return 1;
    }
}
