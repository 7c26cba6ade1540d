#pragma once

#include <string>
#include <string_view>

#include "base/descriptor.hpp"
#include "lua/object.hpp"

namespace opsh::bind {

/// A file that is written a piece at a time; only its owner can read it.
class TextFile {
 public:
  /// Without a name, in $TMPDIR or /tmp: gone when this and the programs that it was lent to are. Errors: as
  /// file_error().
  TextFile();
  /// In the making, beside `path`, until publish(); destroyed before, it is removed. A device or a pipe of that name is
  /// written as it is. Errors: as file_error().
  explicit TextFile(std::string path);
  TextFile(TextFile&& other) noexcept;
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  ~TextFile();

  /// Errors: as file_error().
  void write(std::string_view text);
  /// Takes its path, in the place of what was there. Errors: as file_error().
  void publish();

  /// Writes what was written to standard output. Of a file without a name.
  void copy_out() const;

  int descriptor() const { return file_.get(); }

 private:
  std::string path_;  ///< empty: without a name
  std::string part_;  ///< its name in the making; empty: it has none, or is published
  Descriptor file_;
};

}  // namespace opsh::bind

namespace opsh::lua {
template <>
const char* Object<bind::TextFile>::name;
}  // namespace opsh::lua
