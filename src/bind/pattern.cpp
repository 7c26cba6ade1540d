#include "text/pattern.hpp"

#include <algorithm>
#include <string>

#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "lua/object.hpp"

namespace opsh::lua {
template <>
const char* Object<text::Pattern>::name = "opsh.pattern";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using PatternObject = lua::Object<text::Pattern>;

/// compile(pattern) -> pattern
int compile(lua_State* L) {
  PatternObject::make(L, lua::check_string(L, 1));
  return 1;
}

/// pattern:matches(text) -> boolean
int matches(lua_State* L) {
  lua_pushboolean(L, PatternObject::check(L, 1).matches(lua::check_string(L, 2)));
  return 1;
}

/// pattern:find(text, first byte or nil) -> first byte, last byte, as string.find; nothing when it does not match
int find(lua_State* L) {
  std::string text = lua::check_string(L, 2);
  std::size_t from = lua_isnoneornil(L, 3) ? 1 : check_count(L, 3);
  auto span = PatternObject::check(L, 1).find(text, std::min(std::max<std::size_t>(from, 1) - 1, text.size()));
  if (!span) return 0;
  lua_pushnumber(L, static_cast<double>(span->begin + 1));
  lua_pushnumber(L, static_cast<double>(span->end));
  return 2;
}

}  // namespace

void open_pattern(lua_State* L) {
  static const luaL_Reg methods[] = {
      {"find", lua::guarded<find>}, {"matches", lua::guarded<matches>}, {nullptr, nullptr}};
  PatternObject::define(L, methods);
  module(L, "opsh.native.pattern", {{"compile", lua::guarded<compile>}});
}

}  // namespace opsh::bind
