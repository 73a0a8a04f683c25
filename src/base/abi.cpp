#include <wix/abi.hpp>

namespace wix::detail::abi {

void compileTheProgramLikeTheLibrary(CurrentSettings*) noexcept {}

}  // namespace wix::detail::abi
