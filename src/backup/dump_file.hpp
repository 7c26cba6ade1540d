#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/descriptor.hpp"

namespace opsh::backup {

/// A dump, opened once: everything that is read of it, hashed or restored comes from here and never by its path again.
/// A file in pg_dump's custom format, or a directory in its directory format, whose files are opened below it.
class DumpFile {
 public:
  /// Takes what a dump can be and nothing else, and never waits. The owner is not asked: what is in it is judged by its
  /// digest.
  /// Error: "backup.file": missing, a link, a device, empty, SQL text, compressed, a tar file, no dump at all.
  static std::shared_ptr<const DumpFile> open(const std::string& path);
  /// One that is open already. Errors: as open().
  static std::shared_ptr<const DumpFile> take(Descriptor descriptor, const std::string& path);

  const std::string& path() const { return path_; }  ///< for messages
  int descriptor() const { return descriptor_.get(); }
  bool directory() const { return S_ISDIR(status_.st_mode); }
  std::uint64_t size() const { return size_; }  ///< bytes when it was opened; of a directory, of all its files

  /// Bytes of a file at that place; 0 at its end. Errors: "backup.file".
  std::size_t read(std::span<char> into, std::uint64_t at) const;

  /// The files of a directory, sorted. Errors: "backup.file", also when one of them is not a plain file.
  std::vector<std::string> names() const;
  /// Opens one of them.
  std::shared_ptr<const DumpFile> open_below(const std::string& name) const;

  /// Whether `path` leads to this very file, and nobody wrote to it since it was opened. Of a directory this does not
  /// see who wrote into one of its files: its digest does.
  bool same(const std::string& path) const;
  /// Error: "backup.changed" when somebody wrote to it since it was opened.
  void require_unchanged() const;

 private:
  DumpFile(Descriptor descriptor, std::string path);
  bool unchanged(const struct stat& now) const;

  Descriptor descriptor_;
  std::string path_;
  struct stat status_ {};
  std::uint64_t size_ = 0;
};

}  // namespace opsh::backup
