#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "proc/command.hpp"

namespace opsh::proc {

/// Descriptors that become the standard streams of a new program; -1 stands for /dev/null, 0, 1 and 2 for ours.
struct Streams {
  int input = -1;
  int output = -1;
  int errors = -1;
};

/// Why a program did not start: the call that failed and its errno.
struct Failure {
  const char* call = nullptr;
  int error = 0;
};

/// A command made ready before a fork: everything that needs memory is done here, so that `become` may run in a child
/// forked by a process with threads.
class Image {
 public:
  /// Errors: "process.not_found".
  explicit Image(Command command);
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  const Command& command() const { return command_; }
  const std::string& path() const { return path_; }

  /// Turns the calling process into the program; returns only when that fails. Async-signal-safe.
  /// `parent` is the process that the death signal is about.
  Failure become(const Streams& streams, pid_t parent) const noexcept;

 private:
  Command command_;
  std::string path_;
  std::vector<std::string> variables_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
};

}  // namespace opsh::proc
