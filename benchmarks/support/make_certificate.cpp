// Writes ca.pem, server.pem and key.pem into a folder: for localhost, ECDSA P-256, valid for a day.
#include <sys/stat.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "testing/certificate.hpp"

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (!file) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace

int main(int count, char** values) {
    if (count != 2) {
        std::fprintf(stderr, "usage: %s FOLDER\n", values[0]);
        return 2;
    }
    try {
        ::umask(077);
        const std::filesystem::path folder = values[1];
        const auto made = wix::testing::detail::makeCredentials(wix::testing::Certificate::valid);
        write(folder / "ca.pem", made.caCertificate);
        write(folder / "server.pem", made.certificate);
        write(folder / "key.pem", made.privateKey);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "make_certificate: %s\n", error.what());
        return 1;
    }
}
