#include "testing/state_file.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) {
    throw std::runtime_error("the state file " + path + " " + what);
}

void writeAll(int file, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const ssize_t written = ::write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail(path, std::string("cannot be written: ") + std::strerror(errno));
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace

std::optional<json::object> readStateFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        if (errno == ENOENT) return std::nullopt;
        fail(path, std::string("cannot be read: ") + std::strerror(errno));
    }
    std::ostringstream text;
    text << file.rdbuf();
    boost::system::error_code error;
    const json::value state = json::parse(text.str(), error);
    if (error || !state.is_object()) fail(path, "is damaged; it was left as it is: remove it to begin anew");
    return state.get_object();
}

void writeStateFile(const std::string& path, const json::object& state) {
    const std::string made = path + ".new";
    const int file = ::open(made.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) fail(path, std::string("cannot be written: ") + std::strerror(errno));
    try {
        if (::fchmod(file, 0600) != 0) fail(path, std::string("cannot be made private: ") + std::strerror(errno));
        writeAll(file, json::serialize(state), path);
    } catch (...) {
        ::close(file);
        throw;
    }
    if (::close(file) != 0 || std::rename(made.c_str(), path.c_str()) != 0)
        fail(path, std::string("cannot be replaced: ") + std::strerror(errno));
}

}  // namespace wix::testing::detail
