#pragma once

#include <string>

#include "host/history.hpp"

namespace opsh::host {

/// How asking for a line ended.
enum class Asked {
  line,         ///< there is one, maybe empty
  end,          ///< Ctrl-D at the beginning of a line, or the terminal is gone
  interrupted,  ///< Ctrl-C: what was typed is dropped
  told_to_end,  ///< SIGTERM or SIGHUP
};

struct Answer {
  Asked asked = Asked::end;
  std::string line;  ///< without its line break; a paste can have line breaks within
};

/// Lines from the terminal, edited with GNU readline, whose state is the process's own: there is one editor. The
/// terminal is as it was found except within ask().
class LineEditor {
 public:
  explicit LineEditor(std::string history_path);

  /// Asks for one line. Signals end it (interrupts.hpp), but for those that came before.
  Answer ask(const std::string& prompt);

  /// Keeps an entry in the history, whole; History::add says which are kept out.
  void remember(const std::string& entry);

 private:
  History history_;
};

}  // namespace opsh::host
