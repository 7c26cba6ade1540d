#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "proc/command.hpp"
#include "proc/exit.hpp"

namespace opsh::proc {

/// What run() feeds to a process and how far it lets it go.
struct Terms {
  std::optional<std::string> input = {};  ///< the text it reads as standard input
  std::size_t output_limit = 16 << 20;    ///< bytes kept; what comes after is read and dropped
  std::size_t errors_limit = 1 << 20;
  Deadline deadline = {};
};

/// Why run() stopped a process before its own end.
enum class Stopped { no, deadline, interrupt };

struct Outcome {
  Exit exit;
  std::string output;  ///< empty unless piped
  std::string errors;
  bool output_cut = false;  ///< there was more than the limit
  bool errors_cut = false;
  Stopped stopped = Stopped::no;

  bool success() const { return exit.success() && stopped == Stopped::no; }
};

/// Runs a program to its end. At the deadline, or on an interrupt that is heeded, it and what it started get SIGTERM,
/// and SIGKILL two seconds later. It is over when the program itself has ended: what a process that it left behind
/// still writes is not waited for.
/// Errors: "process.not_found", "process.start". A status other than 0 is not an error here.
Outcome run(Command command, const Terms& terms = {});

}  // namespace opsh::proc
