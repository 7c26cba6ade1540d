#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace opsh::host {

/// What a text at the prompt looks like while it is typed. Which it is, is decided by the parsers when it is whole
/// (lua/repl/language.lua).
enum class Looks { lua, sql, command };
Looks looks_like(std::string_view typed);

/// What is still open at the end of what was typed, as a person would name it: "(", "[[", "'", "$$", "do", "--[[";
/// empty when that is nothing in particular.
std::string open_in(std::string_view typed);

/// A part of a text that has a colour.
struct Colored {
  std::size_t begin = 0;  ///< bytes
  std::size_t end = 0;
  int color = 0;  ///< of SGR: 36
};

/// Keywords, strings, numbers and comments of either language, in their order. Text that is too long to be looked at
/// with every key has none.
std::vector<Colored> colored(std::string_view typed);

}  // namespace opsh::host
