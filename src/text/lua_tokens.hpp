#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace opsh::text {

/// A token of Lua, as far as colours and the prompt need to know it. White space is none.
struct LuaToken {
  enum class Kind { keyword, name, string, number, comment, other };
  Kind kind = Kind::other;
  std::size_t begin = 0;  ///< bytes
  std::size_t end = 0;
  bool unfinished = false;  ///< a long string or comment that the text breaks off in
};

/// The tokens of a text that need not be whole, nor right: nothing here throws.
std::vector<LuaToken> lua_tokens(std::string_view text);

/// What is still open at the end of a text: "do", "function", "then", "repeat", "(", "{", "[", "[[", "[==[", "--[[";
/// empty when nothing is.
std::string open_in_lua(std::string_view text);

}  // namespace opsh::text
