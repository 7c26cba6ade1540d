#pragma once

#include <optional>
#include <string>
#include <string_view>

// The standard streams. SIGPIPE must be ignored by the process, so that a reader that went away is an error of
// write_out. Secrets (base/redact.hpp) are hidden in all that is written.
namespace opsh::bind::console {

/// Writes all of it to standard output. Errors: "output.closed" (nobody reads any more), "output.full",
/// "output.failed".
void write_out(std::string_view text);

/// Writes what can be written to standard error: there is nowhere left to report a failure.
void write_error(std::string_view text) noexcept;

struct Terminal {
  bool terminal = false;
  int columns = 0;  ///< 0 when it does not say
  int rows = 0;     ///< the same
};

/// What a descriptor leads to.
Terminal terminal(int fd);

/// Asks on the terminal for a line that is not shown while it is typed; nothing when there is no terminal to ask on, or
/// no answer. Errors: "interrupted".
std::optional<std::string> ask_hidden(std::string_view prompt);

}  // namespace opsh::bind::console
