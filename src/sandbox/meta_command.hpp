#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/script_reader.hpp"

namespace opsh::sandbox {

/// What a meta-command, from behind its backslash to its end, reads from outside.
struct MetaCommand {
  std::optional<Named> file = {};
  std::string unknown = {};  ///< why that cannot be told, or empty
  bool branches = false;     ///< \if and what belongs to it: what follows may not be run
};

/// The part of a line, from behind a backslash on, that is its first command's: branches and \set end where another
/// command begins. Where that takes knowing psql's quotes, all of it.
std::string_view first_command(std::string_view line);

MetaCommand read_meta_command(std::string_view text);

}  // namespace opsh::sandbox
