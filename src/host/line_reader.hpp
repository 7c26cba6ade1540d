#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace opsh::host {

/// Lines from a descriptor that is no terminal.
class LineReader {
 public:
  /// `longest` is in bytes.
  explicit LineReader(int fd, std::size_t longest = std::size_t{1} << 20) : fd_(fd), longest_(longest) {}

  /// The next line, without its line break; nothing at the end. What stands behind the last line break is a line.
  /// Errors: "interrupted"; "usage.input" for a line that is too long, "input.failed".
  std::optional<std::string> next();

 private:
  bool fill();

  int fd_;
  std::size_t longest_;
  std::string ahead_;
};

}  // namespace opsh::host
