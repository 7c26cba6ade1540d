#include "sql/excerpt.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace opsh::sql {
namespace {

constexpr std::size_t shown_columns = 100;

bool starts_code_point(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

/// The bytes of the code points [first, last) of `text`.
std::string_view cut(std::string_view text, std::size_t first, std::size_t last) {
  std::size_t begin = text.size();
  std::size_t end = text.size();
  std::size_t index = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!starts_code_point(text[at])) continue;
    if (index == first) begin = at;
    if (index == last) {
      end = at;
      break;
    }
    ++index;
  }
  return text.substr(begin, end - begin);
}

}  // namespace

Line line_of(std::string_view text, std::size_t offset) {
  offset = std::min(offset, text.size());
  const auto before = text.substr(0, offset);
  const std::size_t begin = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  const std::size_t end = std::min(text.find('\n', offset), text.size());
  auto line = text.substr(begin, end - begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return {static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
          code_points(text.substr(begin, offset - begin)) + 1, line};
}

std::string excerpt(std::string_view text, std::size_t offset) {
  const Line line = line_of(text, offset);
  const std::size_t length = code_points(line.text);
  const std::size_t caret = std::min(line.column - 1, length);
  std::size_t first = 0;
  if (length > shown_columns)
    first = std::min(caret > shown_columns / 2 ? caret - shown_columns / 2 : 0, length - shown_columns);
  const std::size_t last = std::min(first + shown_columns, length);

  const std::string_view left = first > 0 ? "..." : "";
  const std::string_view right = last < length ? "..." : "";
  std::string shown{cut(line.text, first, last)};
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  const std::string head = fmt::format("line {}: {}", line.number, left);
  return fmt::format("{}{}{}\n{:{}}^", head, shown, right, "", head.size() + caret - first);
}

std::size_t offset_of_position(std::string_view text, int position) {
  int seen = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (starts_code_point(text[at]) && ++seen >= position) return at;
  }
  return text.size();
}

}  // namespace opsh::sql
