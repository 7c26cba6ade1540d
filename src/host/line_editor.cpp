#include "host/line_editor.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

// readline's headers want FILE, and do not ask for it.
#include <readline/history.h>
#include <readline/readline.h>

#include "base/interrupt.hpp"
#include "host/interrupts.hpp"

namespace opsh::host {
namespace {

/// What the callback was given: readline's callbacks have no argument of ours.
std::optional<Answer> answered;

void on_line(char* line) {
  answered.emplace();
  if (line) *answered = {Asked::line, line};
  std::free(line);
  // At once: readline would show the prompt again, and the terminal is the program's while a chunk runs.
  rl_callback_handler_remove();
}

/// Under a locale without UTF-8 (LANG=C, as in containers) readline would take the bytes of a character for commands.
void read_utf8() {
  if (MB_CUR_MAX > 1 || !std::setlocale(LC_CTYPE, "C.UTF-8")) return;
  rl_variable_bind("convert-meta", "off");
  rl_variable_bind("input-meta", "on");
  rl_variable_bind("output-meta", "on");
}

/// Leaves the line as it stands, with ^C behind it.
void drop_line() {
  rl_point = rl_end;
  rl_redisplay();
  rl_echo_signal_char(SIGINT);
  rl_free_line_state();
  rl_callback_sigcleanup();
  rl_callback_handler_remove();
}

/// Waits for a key or an interrupt; true for a key.
bool wait_for_key() {
  std::array<pollfd, 2> watched{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{interrupt::descriptor(), POLLIN, 0}};
  ::poll(watched.data(), watched.size(), -1);
  return !interrupt::requested() && watched[0].revents != 0;
}

}  // namespace

LineEditor::LineEditor(std::string history_path) : history_(std::move(history_path)) {
  rl_readline_name = "opsh";
  rl_catch_signals = 0;
  rl_initialize();
  read_utf8();
  // Completion would offer file names.
  rl_bind_key('\t', rl_insert);
  for (const auto& entry : history_.entries()) ::add_history(entry.c_str());
}

Answer LineEditor::ask(const std::string& prompt) {
  interrupt::clear();
  answered.reset();
  if (asked_to_end()) return {Asked::told_to_end, {}};
  rl_callback_handler_install(prompt.c_str(), on_line);
  while (!answered) {
    if (wait_for_key()) {
      rl_callback_read_char();
    } else if (interrupt::requested()) {
      drop_line();
      answered = Answer{asked_to_end() ? Asked::told_to_end : Asked::interrupted, {}};
      interrupt::clear();
    }
  }
  return *answered;
}

void LineEditor::remember(const std::string& entry) {
  if (history_.add(entry)) ::add_history(entry.c_str());
}

}  // namespace opsh::host
