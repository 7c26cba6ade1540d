#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace opsh {

/// What the system says of a file, by errno: "file.missing", "file.denied", "file.directory", "file.full", else
/// "file.failed". `attempt` is what cannot be done: "write".
Error file_error(std::string_view attempt, const std::string& path, int error);

/// rename(2) within or between open folders, which replaces nothing: -1 and EEXIST where the new name is taken.
int rename_new(int from_folder, const char* from, int to_folder, const char* to);

}  // namespace opsh
