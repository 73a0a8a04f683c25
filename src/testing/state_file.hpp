// The file of FakeWixOptions::stateFile.
#ifndef WIX_TESTING_STATE_FILE_HPP
#define WIX_TESTING_STATE_FILE_HPP

#include <boost/json/object.hpp>

#include <optional>
#include <string>

namespace wix::testing::detail {

/// nullopt if there is no file. Throws std::runtime_error that names the file, which is left as it is.
std::optional<boost::json::object> readStateFile(const std::string& path);
/// Replaces the file atomically; only its owner can read it. Throws std::runtime_error that names the file.
void writeStateFile(const std::string& path, const boost::json::object& state);

}  // namespace wix::testing::detail

#endif
