#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/script_reader.hpp"

namespace opsh::sandbox {

/// What a meta-command, from behind its backslash to the end of its line, reads from outside.
struct MetaCommand {
  std::optional<Named> file = {};
  std::string unknown = {};  ///< why that cannot be told, or empty
  bool branches = false;     ///< \if and what belongs to it: what follows may not be run
};

MetaCommand read_meta_command(std::string_view text);

}  // namespace opsh::sandbox
