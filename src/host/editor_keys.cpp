#include "host/editor_keys.hpp"

#include <readline/readline.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

namespace opsh::host {
namespace {

bool tab = false;
bool clear = false;

std::string_view typed() {
  return {rl_line_buffer, static_cast<std::size_t>(rl_end)};
}

/// Where the line begins that has this byte of the text.
std::size_t begin_of_line(std::size_t at) {
  std::size_t before = at == 0 ? std::string_view::npos : typed().rfind('\n', at - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

std::size_t end_of_line(std::size_t at) {
  return std::min(typed().find('\n', at), typed().size());
}

int on_tab(int, int) {
  const auto point = static_cast<std::size_t>(rl_point);
  const std::size_t begin = begin_of_line(point);
  const bool indents = begin > 0 && typed().substr(begin, point - begin).find_first_not_of(" \t") == typed().npos;
  if (indents) return rl_insert_text("  "), 0;
  tab = true;
  return 0;
}

int on_clear(int, int) {
  clear = true;
  return 0;
}

int on_newline_within(int, int) {
  rl_insert_text("\n");
  return 0;
}

/// Bytes of UTF-8 that continue a character are no place for the cursor.
void stand_at(std::size_t at) {
  while (at > 0 && at < typed().size() && (static_cast<unsigned char>(typed()[at]) & 0xc0U) == 0x80U) --at;
  rl_point = static_cast<int>(at);
}

/// A line up within the text; from its first line, back in the history.
int on_up(int count, int key) {
  const auto point = static_cast<std::size_t>(rl_point);
  const std::size_t begin = begin_of_line(point);
  if (begin == 0) return rl_get_previous_history(count, key);
  const std::size_t above = begin_of_line(begin - 1);
  stand_at(std::min(above + (point - begin), begin - 1));
  return 0;
}

int on_down(int count, int key) {
  const auto point = static_cast<std::size_t>(rl_point);
  const std::size_t end = end_of_line(point);
  if (end == typed().size()) return rl_get_next_history(count, key);
  stand_at(std::min(end + 1 + (point - begin_of_line(point)), end_of_line(end + 1)));
  return 0;
}

int on_begin(int, int) {
  rl_point = static_cast<int>(begin_of_line(static_cast<std::size_t>(rl_point)));
  return 0;
}

int on_end(int, int) {
  rl_point = static_cast<int>(end_of_line(static_cast<std::size_t>(rl_point)));
  return 0;
}

/// `keys` as they come from the terminal.
void rebind(const char* keys, rl_command_func_t* usual, rl_command_func_t* ours) {
  if (rl_function_of_keyseq(keys, nullptr, nullptr) == usual) rl_bind_keyseq(keys, ours);
}

}  // namespace

void bind_keys() {
  rl_bind_key('\t', on_tab);
  const char* terminal_is = rl_terminal_name;
  if (terminal_is && std::string_view{terminal_is} == "dumb") return;
  rl_bind_key('\f', on_clear);
  rl_bind_keyseq("\\e\\C-m", on_newline_within);
  for (const char* keys : {"\x1b[A", "\x1bOA"}) rebind(keys, rl_get_previous_history, on_up);
  for (const char* keys : {"\x1b[B", "\x1bOB"}) rebind(keys, rl_get_next_history, on_down);
  for (const char* keys : {"\x01", "\x1b[H", "\x1bOH"}) rebind(keys, rl_beg_of_line, on_begin);
  for (const char* keys : {"\x05", "\x1b[F", "\x1bOF"}) rebind(keys, rl_end_of_line, on_end);
}

bool take_tab() {
  return std::exchange(tab, false);
}

bool take_clear() {
  return std::exchange(clear, false);
}

}  // namespace opsh::host
