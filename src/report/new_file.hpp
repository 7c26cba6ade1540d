#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/descriptor.hpp"
#include "digest/sha256.hpp"

namespace opsh::report {

/// An open folder: what becomes of its path meanwhile leads nothing elsewhere.
class Folder {
 public:
  /// The folder `below` the folder `base`, which may be a link and must be there. What is missing below it is made
  /// (mode 0700); a symbolic link there is not followed. Errors: as file_error(), and "file.link".
  Folder(const std::filesystem::path& base, const std::filesystem::path& below);

  int descriptor() const { return descriptor_.get(); }
  /// Of a file in it, for people.
  std::string path_of(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;
};

/// A file in the making: `.<name>.part`, which only its owner can read, until publish() gives it a name. Destroyed
/// before that it is removed; what a killed opsh left of the same name is replaced.
class NewFile {
 public:
  /// Errors here and in write(): as file_error().
  NewFile(std::shared_ptr<const Folder> folder, std::string_view name);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  void write(std::string_view bytes);

  std::uint64_t bytes() const { return bytes_; }
  /// Of what was written so far.
  std::string sha256() const { return digest_.hex(); }

  /// Whether publish() could give it this name: nothing has it, or a plain file with these very bytes.
  bool may_be(const std::string& name) const;

  /// Has it on the disk, then under its name, which is in its folder after a crash, too. A file of the same bytes is
  /// left as it is. Errors: "file.exists" when the name is taken.
  void publish(const std::string& name);

 private:
  std::shared_ptr<const Folder> folder_;
  std::string part_;
  Descriptor file_;
  digest::Sha256 digest_;
  std::uint64_t bytes_ = 0;
  bool published_ = false;
};

}  // namespace opsh::report
