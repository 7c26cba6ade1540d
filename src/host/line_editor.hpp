#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "host/drawing.hpp"
#include "host/history.hpp"

namespace opsh::host {

/// How asking ended.
enum class Asked {
  line,         ///< there is one, maybe empty
  completion,   ///< Tab: what was typed stands as it is, and asking goes on with the next ask()
  stirred,      ///< something came on a descriptor that was watched; the same
  waited,       ///< so long nobody ended a line; the same
  end,          ///< Ctrl-D in an empty text, or the terminal is gone
  interrupted,  ///< Ctrl-C: what was typed is dropped
  told_to_end,  ///< SIGTERM or SIGHUP
};

struct Question {
  std::string prompt;
  std::string style;  ///< of the prompt, for SGR: "1;31"
  std::string next;   ///< begins the prompt of the lines after the first; what is open is said behind it
  std::string text;   ///< to begin with, as if it had been typed
  std::vector<int> watched;
  Deadline until = {};  ///< when asking ends with `waited`
};

struct Answer {
  Asked asked = Asked::end;
  std::string text;       ///< without its last line break; it can have line breaks within
  std::size_t point = 0;  ///< the cursor, in bytes
};

/// Text from the terminal, edited with GNU readline, whose state is the process's own: there is one editor. readline
/// has the keys, the history and the search in it; what is seen is drawn here, with colours and several lines, which
/// readline cannot. A dumb terminal gets readline's own single line. The terminal is as it was found except within
/// ask() and, after `completion` and `stirred`, between two of them.
class LineEditor {
 public:
  LineEditor(std::string history_path, bool with_colors);

  /// Asks. Signals end it (interrupts.hpp), but for those that came before. What was answered stays on the screen with
  /// the cursor in it until leave() or another question, which may go on with it.
  Answer ask(const Question& question);

  /// The cursor goes below what is typed, for what is shown next.
  void leave();
  /// Takes what is typed off the screen until the next ask().
  void hide();

  /// After `completion`: puts `text` in the place of what stands between `begin` and the cursor.
  void replace(std::size_t begin, const std::string& text);

  /// Keeps an entry in the history, whole; History::add says which are kept out.
  void remember(const std::string& entry);

  /// Why the history cannot be written; nothing when it can.
  const std::optional<std::string>& trouble() const { return history_.trouble(); }

 private:
  void open(const Question& question);
  Answer wait(const Question& question);
  void draw(const Question& question, const std::string& text, std::size_t point);
  void draw_if_idle(const Question& question);
  void drop(const Question& question);
  void end_line();
  bool follow_size();
  bool come_back();

  History history_;
  Drawing drawing_;
  std::string opened_with_;  ///< the prompt that readline was given
  std::string before_;       ///< on a dumb terminal: the lines before this one
  std::size_t columns_ = 80;
  std::size_t lines_ = 24;
  bool with_colors_;
  bool draws_;         ///< not on a dumb terminal
  bool open_ = false;  ///< readline has a text
  bool left_ = false;  ///< a dumb terminal has to be shown it again
};

}  // namespace opsh::host
