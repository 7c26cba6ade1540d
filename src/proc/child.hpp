#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/descriptor.hpp"
#include "proc/command.hpp"
#include "proc/exit.hpp"

namespace opsh::proc {

class Image;

/// A process of ours that goes on. Owned: when the Child is destroyed, a process that still runs is killed, with its
/// process group, and waited for. Not for several threads at once.
class Child {
 public:
  /// Returns when the program runs. Errors: "process.not_found", "process.start" (a directory, a user, a limit).
  static Child start(Command command);
  static Child start(const Image& image);

  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  pid_t pid() const { return pid_; }
  bool running();
  /// Sends a signal to the process; nothing happens when it has ended.
  void signal(int number);
  /// Sends a signal to the process and to those it started, where it leads a process group.
  void signal_group(int number);
  /// Waits for the end.
  Exit wait();
  /// The same, until the deadline; nothing when it still runs.
  std::optional<Exit> wait(Deadline deadline);

  /// Our ends of the pipes, for poll(2); -1 without a pipe. Those we read from do not block.
  int input() const { return input_.get(); }
  int output() const { return output_.get(); }
  int errors() const { return errors_.get(); }
  /// Readable when the process has ended.
  int ended() const { return process_.get(); }

  /// What there is to read, as soon as there is some; empty at the end.
  /// Errors: "process.deadline".
  std::string read_output(Deadline deadline);
  std::string read_errors(Deadline deadline);
  /// Writes all of it. Errors: "process.input" when nobody reads any more.
  void write(std::string_view text);
  /// The child reads the end of its input.
  void close_input() { input_.reset(); }

 private:
  Child() = default;
  void finish() noexcept;

  pid_t pid_ = -1;
  bool leads_group_ = false;
  Descriptor process_;
  Descriptor input_;
  Descriptor output_;
  Descriptor errors_;
  std::optional<Exit> exit_;
};

}  // namespace opsh::proc
