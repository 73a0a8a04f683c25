#include "door.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace storefront {

namespace {

wix::CookieOptions sessionOptions(bool secure) {
    wix::CookieOptions options;
    options.secure = secure;
    if (!secure) options.name = "wix-session";  // the prefix __Host- is for https
    return options;
}

wix::CookieOptions csrfOptions() {
    wix::CookieOptions options;
    options.name = "csrf";  // is never a cookie: it goes into the forms
    options.maxAge = std::chrono::hours(24);
    return options;
}

}  // namespace

std::string randomHex(std::size_t bits) {
    std::string bytes(bits / 8, '\0');
    if (::getentropy(bytes.data(), bytes.size()) != 0)
        throw std::system_error(errno, std::generic_category(), "getentropy");
    std::string hex;
    for (const char byte : bytes)
        for (const int shift : {4, 0}) hex += "0123456789abcdef"[(static_cast<unsigned char>(byte) >> shift) & 15];
    return hex;
}

Door::Door(std::vector<wix::CookieKey> keys, bool secure)
    : cookie_(keys, "session", sessionOptions(secure)), csrf_(std::move(keys), "csrf", csrfOptions()) {}

Visit Door::recognise(const Request& request) const {
    const auto value = cookie_.find(request[http::field::cookie]);
    if (!value) return Visit(randomHex(128), false);
    const wix::result<std::string> key = cookie_.open(*value);
    if (key.has_error()) return Visit(randomHex(128), false, true);  // altered, expired, of another key: as a newcomer
    return Visit(*key, true);
}

std::string Door::cookieOf(const Visit& visit) const { return cookie_.setCookie(cookie_.seal(visit.key)); }

std::string Door::csrfOf(const Visit& visit) const { return csrf_.seal(visit.key); }

bool Door::isOurs(const Visit& visit, const Request& request, const std::string& csrf) const {
    // Browsers say where a form comes from; the token is for those that do not.
    const std::string_view site = request["Sec-Fetch-Site"];
    if (!site.empty() && site != "same-origin") return false;
    const std::string_view origin = request[http::field::origin];
    const std::string_view host = request[http::field::host];
    if (!origin.empty() && origin != "http://" + std::string(host) && origin != "https://" + std::string(host))
        return false;
    const wix::result<std::string> key = csrf_.open(csrf);
    return key.has_value() && *key == visit.key;
}

std::vector<wix::CookieKey> loadKeys(const std::filesystem::path& file) {
    const int made = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made >= 0) {
        const std::string line = "k1 " + randomHex(256) + "\n";
        const bool complete = ::write(made, line.data(), line.size()) == static_cast<ssize_t>(line.size());
        if (::close(made) != 0 || !complete) {
            ::unlink(file.c_str());
            throw std::runtime_error("cannot write " + file.string());
        }
    } else if (errno != EEXIST) {
        throw std::system_error(errno, std::generic_category(), "cannot create " + file.string());
    }
    struct stat about {};
    if (::stat(file.c_str(), &about) != 0 || (about.st_mode & 077) != 0)
        throw std::runtime_error(file.string() + " must be readable by its owner only: chmod 600");
    std::vector<wix::CookieKey> keys;
    std::ifstream in(file);
    for (std::string id, hex; in >> id >> hex;) keys.push_back(wix::CookieKey::fromHex(id, hex));
    if (keys.empty()) throw std::runtime_error(file.string() + " must have lines of an id and 64 hexadecimal digits");
    return keys;
}

}  // namespace storefront
