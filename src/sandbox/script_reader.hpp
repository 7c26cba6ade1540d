#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace opsh::sandbox {

/// A file that a script names.
struct Named {
  enum class How { include, include_beside, data };  ///< \i, \ir, \copy
  How how = How::include;
  std::string path;
  std::size_t line = 0;
};

/// What one file of SQL and meta-commands reads from outside itself.
struct Reading {
  std::vector<Named> files;
  std::string unknown;           ///< why that cannot be told, or empty
  std::size_t unknown_line = 0;  ///< from 1
};

/// Finds it as psql's own scanner would: meta-commands count outside of quotes, comments and the data of COPY only.
Reading read_script(std::string_view text);

}  // namespace opsh::sandbox
