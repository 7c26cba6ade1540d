#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

// Files by path. Errors name the path: "file.missing", "file.denied", "file.directory" (it is one), "file.exists" (it
// is none), "file.full" and "file.failed" for the rest; "usage.argument" for a path that no file can have.
namespace opsh::bind::files {

/// The whole content.
std::string read(const std::string& path);

/// Replaces the file's content, or makes the file, with this mode: afterwards, also after a crash, there is the old
/// content or the new one. A symbolic link is replaced, not followed.
void write(const std::string& path, std::string_view content, unsigned mode = 0600);

/// The same for a file that is somebody else's as well: it keeps its mode, owner and group, and a symbolic link is
/// followed. A new file has mode 0600. Errors also "file.owner": its owner and group cannot be kept.
void replace(const std::string& path, std::string_view content);

/// Why `replace` would fail, as far as one can know without writing; nothing when it would not.
std::optional<Error> obstacle(const std::string& path);

/// Makes a directory with this mode, and its parents. One that exists is left as it is.
void make_directory(const std::string& path, unsigned mode = 0700);

enum class Kind { missing, file, directory, other };

/// What is there, symbolic links followed.
Kind kind(const std::string& path);

/// The names in a directory, sorted by their bytes, without . and ..
std::vector<std::string> list(const std::string& path);

/// The absolute path without symbolic links. It must exist.
std::string real_path(const std::string& path);

/// Who may do what with a file or directory, symbolic links followed.
struct Status {
  unsigned mode = 0;   ///< the permission bits: 0700
  unsigned owner = 0;  ///< user id
};
Status status(const std::string& path);

/// Bytes that this user may still write to the file system of `path`.
std::uint64_t free_space(const std::string& path);

/// What lies below a directory; what cannot be looked into is left out.
struct Content {
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
};
Content content(const std::string& path);

/// Removes a file, or a directory with all that is in it; links are removed, not followed. What is missing is no error.
void remove_tree(const std::string& path);

}  // namespace opsh::bind::files
