#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "backup/dump_file.hpp"
#include "base/descriptor.hpp"

namespace opsh::backup {

/// A dump in the making: `<path>.partial`, which only its owner can read, until publish() gives it its name. Destroyed
/// before that it is removed.
class NewDump {
 public:
  /// Errors: "backup.dump": there is something with this name, the folder is missing or cannot be written to.
  NewDump(std::string path, bool directory);
  NewDump(const NewDump&) = delete;
  NewDump& operator=(const NewDump&) = delete;
  ~NewDump();

  const std::string& path() const { return path_; }
  int descriptor() const { return descriptor_.get(); }
  std::uint64_t bytes() const;

  /// Has all of it on the disk, and then under its name, which is in its folder after a crash, too. Nothing is
  /// replaced. Returns the very file that was written, to read from. Errors: "backup.dump", when it is no dump as well.
  std::shared_ptr<const DumpFile> publish();

 private:
  void sync();

  std::string path_;
  std::string partial_;
  bool directory_;
  Descriptor descriptor_;
  bool published_ = false;
};

}  // namespace opsh::backup
