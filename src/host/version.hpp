#pragma once

#include <string_view>

namespace opsh::host {

/// Of this opsh, "0.1.0". Defined in a file that the build makes (cmake/VersionScript.cmake).
std::string_view version();

/// What it was built of, "28d43ef8b7b4", with "-dirty" behind it when something was not committed; empty when the
/// source came without its history.
std::string_view commit();

}  // namespace opsh::host
