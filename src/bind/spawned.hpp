#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "proc/child.hpp"

namespace opsh::bind {

/// A child process whose output is taken while one waits for it, so that a full pipe never holds it up. Owned as the
/// Child is: when a Spawned is destroyed, a process that still runs is killed.
class Spawned {
 public:
  /// What it wrote to one stream and nobody read yet, up to 16 MiB; what comes after is dropped.
  struct Stream {
    int fd = -1;  ///< -1 after the end
    std::string text;
    bool cut = false;  ///< something was dropped
  };

  explicit Spawned(proc::Command command);

  proc::Child& child() { return child_; }

  /// What it wrote since the last time, without waiting; empty when that is nothing, nothing at the end of the stream.
  std::optional<std::string> read_output();

  /// Waits for the end, until the deadline; nothing when it still runs. Errors: "interrupted".
  std::optional<proc::Exit> wait(Deadline deadline);

  const Stream& output() const { return output_; }
  const Stream& errors() const { return errors_; }

 private:
  proc::Child child_;
  Stream output_;
  Stream errors_;
};

}  // namespace opsh::bind
