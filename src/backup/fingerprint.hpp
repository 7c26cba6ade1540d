#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backup/dump_file.hpp"
#include "backup/work.hpp"
#include "digest/sha256.hpp"

namespace opsh::backup {

/// Hashes a dump: the SHA-256 of a file's bytes; of a directory, that of the lines "name size sha256\n" of its files,
/// sorted by name. Ends with an error when the dump changed meanwhile.
class Fingerprint : public Work {
 public:
  explicit Fingerprint(std::shared_ptr<const DumpFile> dump);
  std::uint64_t bytes() const override { return bytes_; }

 protected:
  bool advance(Deadline deadline) override;
  Outcome result() override { return {.size = bytes_, .sha256 = sha256_}; }

 private:
  bool next();
  void end_file();

  std::shared_ptr<const DumpFile> dump_;
  std::vector<std::string> left_;         ///< names in a directory, the next one last
  std::shared_ptr<const DumpFile> file_;  ///< being read
  std::string name_;                      ///< its name in the directory
  digest::Sha256 of_file_;
  digest::Sha256 of_lines_;
  std::uint64_t at_ = 0;  ///< in this file
  std::uint64_t bytes_ = 0;
  std::string sha256_;
  std::vector<char> buffer_;
};

}  // namespace opsh::backup
