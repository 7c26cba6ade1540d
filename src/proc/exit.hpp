#pragma once

#include <string>

namespace opsh::proc {

/// How a process ended: with a status, or by a signal (then `signal` is not 0).
struct Exit {
  int status = 0;
  int signal = 0;

  bool success() const { return status == 0 && signal == 0; }
  /// "exit status 3", "killed by signal 9 (Killed)".
  std::string text() const;
};

/// Reads what waitpid(2) reported.
Exit exit_of(int wait_status);

}  // namespace opsh::proc
