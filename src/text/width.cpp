#include "text/width.hpp"

#include <utf8proc.h>

#include <cstdint>

#include "text/utf8.hpp"

namespace opsh::text {
namespace {

constexpr std::int32_t emoji_presentation = 0xfe0f;

struct Character {
  std::size_t bytes;
  std::size_t columns;
};

bool starts_a_character(std::string_view text, std::int32_t before, utf8proc_int32_t& state) {
  auto next = first_code_point(text).value;
  return next < 0 || utf8proc_grapheme_break_stateful(before, next, &state);
}

// How many columns a code point adds that continues a character of `columns`.
std::size_t added_columns(std::int32_t value, std::size_t columns) {
  // After a one-column symbol this asks for the emoji of two columns.
  if (value == emoji_presentation) return columns == 1 ? 1 : 0;
  const auto* property = utf8proc_get_property(value);
  switch (property->boundclass) {
    case UTF8PROC_BOUNDCLASS_EXTEND:
    case UTF8PROC_BOUNDCLASS_ZWJ:
    case UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC:
    case UTF8PROC_BOUNDCLASS_V:
    case UTF8PROC_BOUNDCLASS_T:
      // Accents, skin tones, the rest of a family and of a Hangul syllable are drawn into the first.
      return 0;
    default:
      return property->charwidth;
  }
}

Character first_character(std::string_view text) {
  if (is_plain_ascii(text[0]) && (text.size() == 1 || is_plain_ascii(text[1]))) return {1, 1};

  auto [value, bytes] = first_code_point(text);
  if (value < 0) return {bytes, 1};
  Character character{bytes, static_cast<std::size_t>(utf8proc_charwidth(value))};
  utf8proc_int32_t state = 0;
  while (character.bytes < text.size()) {
    auto rest = text.substr(character.bytes);
    if (starts_a_character(rest, value, state)) break;
    auto next = first_code_point(rest);
    value = next.value;
    character.columns += added_columns(value, character.columns);
    character.bytes += next.bytes;
  }
  return character;
}

}  // namespace

std::size_t character(std::string_view text) {
  return first_character(text).bytes;
}

std::size_t width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    auto character = first_character(text);
    columns += character.columns;
    text.remove_prefix(character.bytes);
  }
  return columns;
}

std::string pad_left(std::string_view text, std::size_t columns) {
  auto taken = width(text);
  return std::string(columns > taken ? columns - taken : 0, ' ').append(text);
}

std::string pad_right(std::string_view text, std::size_t columns) {
  auto taken = width(text);
  return std::string{text}.append(columns > taken ? columns - taken : 0, ' ');
}

std::string fit(std::string_view text, std::size_t columns, std::string_view ellipsis) {
  auto ellipsis_columns = width(ellipsis);
  if (ellipsis_columns > columns) {
    ellipsis = {};
    ellipsis_columns = 0;
  }
  // Looked at only as far as it can show: a cell may be megabytes long.
  std::size_t taken = 0;
  std::size_t kept = 0;
  for (std::size_t end = 0; end < text.size();) {
    auto character = first_character(text.substr(end));
    taken += character.columns;
    if (taken > columns) return std::string{text.substr(0, kept)}.append(ellipsis);
    end += character.bytes;
    if (taken + ellipsis_columns <= columns) kept = end;
  }
  return std::string{text};
}

}  // namespace opsh::text
