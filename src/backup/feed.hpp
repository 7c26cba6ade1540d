#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backup/dump_file.hpp"
#include "digest/sha256.hpp"
#include "proc/pipes.hpp"

namespace opsh::backup {

/// Gives a dump file to a program's standard input, and hashes on the way: the bytes that are hashed are those that the
/// program gets.
///
/// The last byte is held back until the program has taken all others. A program that still waits for it takes it; one
/// that had come to the end of the archive before leaves it, however much it reads ahead. So bytes behind the end are
/// seen.
class Feed {
 public:
  explicit Feed(std::shared_ptr<const DumpFile> dump);

  int reader() const { return pipe_.read.get(); }  ///< becomes the program's standard input

  enum class Next {
    more,      ///< it took some
    later,     ///< it has to take what is in the pipe first: to be called again in a moment
    finished,  ///< it got everything, and reads the end
  };
  /// Gives the program what it takes now. Errors: "backup.file".
  Next push();

  /// Whether the program, which has ended, left something.
  bool left() const;
  /// Goes on without the program, for the digest; false at the end.
  bool skip();

  std::uint64_t bytes() const { return at_; }
  std::string sha256() const { return sha256_.hex(); }

 private:
  bool read();
  int in_pipe() const;

  std::shared_ptr<const DumpFile> dump_;
  proc::Pipe pipe_;
  std::vector<char> buffer_;
  std::string_view pending_;
  std::uint64_t at_ = 0;
  digest::Sha256 sha256_;
};

}  // namespace opsh::backup
