#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace opsh::backup {

/// Why a file is not what pg_restore restores, and what to do about it.
struct NotADump {
  std::string what;  ///< after the name of the file: "is empty"
  std::string hint;
};

/// Judges the first 512 bytes of a dump: of a custom one's file, or of a directory's table of contents. Nothing when
/// they are what pg_dump writes.
std::optional<NotADump> not_a_dump(std::string_view first, bool of_directory);

}  // namespace opsh::backup
