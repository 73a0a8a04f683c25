// The shop of examples/storefront as a program of its own, on a fake Wix of this one; and visitors of it.
#pragma once

#include <wix/testing/fake_wix.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/temp_directory.hpp"
#include "support/child_process.hpp"
#include "testing/raw_client.hpp"

namespace wix::test {

class ShopProgram {
public:
    enum class Fake {
        outside,  ///< `fake`
        within,   ///< The program's own, as in ./run shop.
    };
    explicit ShopProgram(std::vector<std::string> arguments = {}, Fake where = Fake::outside);

    testing::FakeWix fake;
    /// Waits for the end; what was stored stays.
    void stop(int signal = SIGTERM) { program_->stop(signal); }
    void start();
    /// From the next start on the shop finds the fake there.
    void goTo(std::uint16_t apiPort) { apiPort_ = apiPort; }
    ChildProcess& program() { return *program_; }
    std::uint16_t port() const { return port_; }
    std::string log() const { return program_->output(); }
    std::filesystem::path store() const { return directory_ / "store"; }

private:
    detail::test::TempDirectory directory_;
    std::vector<std::string> arguments_;
    const Fake where_;
    std::uint16_t apiPort_;
    int starts_ = 0;
    std::unique_ptr<ChildProcess> program_;
    std::uint16_t port_ = 0;
};

using Fields = std::map<std::string, std::string>;

/// A browser in small: one connection, one cookie, and the CSRF token of the last page.
class Visitor {
public:
    explicit Visitor(const ShopProgram& shop) : shop_(shop) {}

    raw::Answer get(const std::string& path);
    raw::Answer post(const std::string& path, Fields fields, const std::string& headers = "");
    /// Comes in, takes this much, and gives the cart's page.
    raw::Answer buy(const std::string& product, int quantity);

    std::string cookie;  ///< `name=value`
    std::string csrf;

private:
    raw::Answer call(const std::string& method, const std::string& path, const std::string& body,
                     const std::string& headers);
    const ShopProgram& shop_;
    std::unique_ptr<raw::Client> connection_;
};

/// Quantities by product, as a page of the cart shows them.
std::map<std::string, int> cartOn(const std::string& page);
/// The line of a product; empty if it is not there.
std::string lineOf(const std::string& page, const std::string& product);
/// What is between two texts, the first time.
std::string between(const std::string& text, const std::string& before, const std::string& after);

inline const std::string mug = "a0000000-0000-4000-8000-000000000001";
inline const std::string notebook = "a0000000-0000-4000-8000-000000000007";

}  // namespace wix::test
