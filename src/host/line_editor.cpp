#include "host/line_editor.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

// readline's headers want FILE, and do not ask for it.
#include <readline/history.h>
#include <readline/readline.h>

#include "base/interrupt.hpp"
#include "host/editor_keys.hpp"
#include "host/interrupts.hpp"

namespace opsh::host {
namespace {

/// What the callbacks were given: readline's have no argument of ours.
std::optional<Answer> answered;
bool is_stale = false;  ///< what is seen is not what is typed any more

void on_line(char* line) {
  answered.emplace();
  if (line) *answered = {Asked::line, line, std::strlen(line)};
  std::free(line);
  // At once: readline would show the prompt again, and the terminal is the program's while a chunk runs.
  rl_callback_handler_remove();
}

void on_redisplay() {
  is_stale = true;
}

/// Under a locale without UTF-8 (LANG=C, as in containers) readline would take the bytes of a character for commands.
void read_utf8() {
  if (MB_CUR_MAX > 1 || !std::setlocale(LC_CTYPE, "C.UTF-8")) return;
  rl_variable_bind("convert-meta", "off");
  rl_variable_bind("input-meta", "on");
  rl_variable_bind("output-meta", "on");
}

volatile std::sig_atomic_t goes_on = 0;

/// So that a new size of the terminal, and coming back to it after Ctrl-Z, end poll().
void notice_the_terminal() {
  struct sigaction action {};
  action.sa_handler = [](int number) {
    if (number == SIGCONT) goes_on = 1;
  };
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (int number : {SIGWINCH, SIGCONT}) sigaction(number, &action, nullptr);
}

void send(std::string_view text) {
  while (!text.empty()) {
    ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EAGAIN) {
      pollfd watched{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&watched, 1, -1);
    } else if (count < 0 && errno != EINTR) {
      return;
    } else if (count > 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }
}

bool is_typed_ahead() {
  pollfd watched{STDIN_FILENO, POLLIN, 0};
  return ::poll(&watched, 1, 0) > 0;
}

/// What stands before the second, third ... line: what is open there is said.
std::vector<std::string> prompts_of_lines(const std::string& next, std::string_view text) {
  // Each line asks the scanner; a paste has thousands.
  constexpr std::size_t most = 4096;
  std::vector<std::string> prompts;
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    std::string open = text.size() <= most ? open_in(text.substr(0, at)) : "";
    const bool is_word = !open.empty() && open[0] >= 'a' && open[0] <= 'z';
    prompts.push_back(next + (is_word ? " " : "") + (open.empty() ? "-" : open) + "> ");
  }
  return prompts;
}

}  // namespace

LineEditor::LineEditor(std::string history_path, bool with_colors)
    : history_(std::move(history_path)), with_colors_(with_colors) {
  const char* terminal = std::getenv("TERM");
  draws_ = terminal && std::string_view{terminal} != "dumb";
  rl_readline_name = "opsh";
  rl_catch_signals = 0;
  rl_catch_sigwinch = draws_ ? 0 : 1;
  rl_initialize();
  read_utf8();
  bind_keys();
  if (draws_) {
    // After rl_initialize(), which would turn bracketed paste off for a redisplay that it does not know.
    rl_redisplay_function = on_redisplay;
    notice_the_terminal();
  }
  for (const auto& entry : history_.entries()) ::add_history(entry.c_str());
}

Answer LineEditor::ask(const Question& question) {
  interrupt::clear();
  answered.reset();
  if (asked_to_end()) return {Asked::told_to_end, {}, 0};
  if (!open_) open(question);
  is_stale = true;
  if (std::exchange(left_, false) && open_ && !draws_) rl_forced_update_display();
  follow_size();
  Answer answer = wait(question);
  open_ = answer.asked == Asked::completion || answer.asked == Asked::stirred || answer.asked == Asked::waited;
  return answer;
}

void LineEditor::open(const Question& question) {
  before_ = draws_ ? "" : question.text;
  std::string prompt = question.prompt;
  if (!before_.empty()) prompt = prompts_of_lines(question.next, before_).back();
  opened_with_ = prompt;
  rl_callback_handler_install(prompt.c_str(), on_line);
  if (draws_ && !question.text.empty()) rl_insert_text(question.text.c_str());
}

Answer LineEditor::wait(const Question& question) {
  std::vector<pollfd> watched{{STDIN_FILENO, POLLIN, 0}, {interrupt::descriptor(), POLLIN, 0}};
  for (int fd : question.watched) watched.push_back({fd, POLLIN, 0});
  for (;;) {
    draw_if_idle(question);
    for (auto& each : watched) each.revents = 0;
    ::poll(watched.data(), watched.size(), question.until.poll_milliseconds());
    if (interrupt::requested()) {
      drop(question);
      interrupt::clear();
      return {asked_to_end() ? Asked::told_to_end : Asked::interrupted, {}, 0};
    }
    if (follow_size() || come_back()) continue;
    if (watched[0].revents != 0) {
      rl_callback_read_char();
      if (answered) {
        // Behind the line readline gives the terminal back, and goes to the first column.
        drawing_.returned();
        if (answered->asked == Asked::end) end_line();
        if (draws_ && answered->asked == Asked::line) draw(question, answered->text, answered->point);
        answered->text = before_ + answered->text;
        answered->point += before_.size();
        return *answered;
      }
      if (take_tab())
        return {Asked::completion, before_ + std::string{rl_line_buffer, static_cast<std::size_t>(rl_end)},
                before_.size() + static_cast<std::size_t>(rl_point)};
    } else if (std::any_of(watched.begin() + 2, watched.end(), [](const pollfd& each) { return each.revents != 0; })) {
      return {Asked::stirred, {}, 0};
    } else if (question.until.passed()) {
      return {Asked::waited, {}, 0};
    }
  }
}

void LineEditor::draw_if_idle(const Question& question) {
  if (take_clear()) {
    send("\x1b[H\x1b[2J");
    drawing_ = {};
    is_stale = true;
  }
  // What comes in at once is seen at once: a paste into a terminal that does not bracket it is thousands of keys.
  if (!draws_ || !is_stale || is_typed_ahead()) return;
  draw(question, {rl_line_buffer, static_cast<std::size_t>(rl_end)}, static_cast<std::size_t>(rl_point));
}

void LineEditor::draw(const Question& question, const std::string& text, std::size_t point) {
  Picture picture{{question.prompt, with_colors_ ? question.style : ""}, {}, text, {}, point};
  // Searching in the history has a prompt of its own.
  if (!answered && rl_display_prompt && rl_display_prompt != opened_with_) picture.prompt = {rl_display_prompt, ""};
  picture.next = prompts_of_lines(question.next, text);
  if (with_colors_) picture.colors = colored(text);
  send(drawing_.show(picture, columns_, lines_));
  is_stale = false;
}

/// Behind the last prompt. When it brackets pastes readline has done it itself.
void LineEditor::end_line() {
  drawing_ = {};
  const char* brackets = rl_variable_value("enable-bracketed-paste");
  if (!brackets || std::string_view{brackets} != "on" || !draws_) send("\n");
}

/// Leaves the text as it stands, with ^C behind it.
void LineEditor::drop(const Question& question) {
  if (draws_) {
    std::string text{rl_line_buffer, static_cast<std::size_t>(rl_end)};
    draw(question, text, text.size());
    send("^C");
  } else {
    rl_point = rl_end;
    rl_redisplay();
    rl_echo_signal_char(SIGINT);
  }
  rl_free_line_state();
  rl_callback_sigcleanup();
  rl_callback_handler_remove();
  send("\n");
  drawing_ = {};
}

bool LineEditor::follow_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return false;
  if (size.ws_col == columns_ && size.ws_row == lines_) return false;
  const bool was_seen = size.ws_col != columns_ && drawing_.is_shown();
  columns_ = size.ws_col;
  lines_ = size.ws_row;
  if (was_seen && draws_) send(drawing_.resized(columns_));
  is_stale = true;
  return true;
}

/// After Ctrl-Z the shell had the terminal, and another line of it is ours.
bool LineEditor::come_back() {
  if (!goes_on) return false;
  goes_on = 0;
  rl_deprep_terminal();
  rl_prep_terminal(1);
  drawing_ = {};
  is_stale = true;
  return true;
}

void LineEditor::leave() {
  if (draws_) {
    if (drawing_.is_shown()) send(drawing_.leave());
  } else if (open_) {
    send("\n");
    rl_on_new_line();
    left_ = true;
  }
}

void LineEditor::hide() {
  if (draws_) {
    if (drawing_.is_shown()) send(drawing_.erase());
  } else if (open_) {
    leave();
  }
}

void LineEditor::replace(std::size_t begin, const std::string& text) {
  begin = std::max(begin, before_.size()) - before_.size();
  rl_begin_undo_group();
  rl_delete_text(static_cast<int>(begin), rl_point);
  rl_point = static_cast<int>(begin);
  rl_insert_text(text.c_str());
  rl_end_undo_group();
  if (!draws_) rl_redisplay();
}

void LineEditor::remember(const std::string& entry) {
  if (history_.add(entry)) ::add_history(entry.c_str());
}

}  // namespace opsh::host
