#include "lua/stack.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/error.hpp"

namespace opsh::lua {
namespace {

[[noreturn]] void wrong_field(lua_State* L, const char* name, const char* wanted) {
  throw Error{"usage.argument", fmt::format("{} must be {}, not {}", name, wanted, luaL_typename(L, -1))};
}

}  // namespace

std::string check_string(lua_State* L, int index) {
  std::size_t length = 0;
  const char* text = luaL_checklstring(L, index, &length);
  return {text, length};
}

std::optional<std::string> optional_string(lua_State* L, int index) {
  if (lua_isnoneornil(L, index)) return std::nullopt;
  return check_string(L, index);
}

std::string string_field(lua_State* L, int index, const char* name, std::string_view fallback) {
  lua_getfield(L, index, name);
  std::string value{fallback};
  if (!lua_isnil(L, -1)) {
    if (!lua_isstring(L, -1)) wrong_field(L, name, "a string");
    value = check_string(L, -1);
  }
  lua_pop(L, 1);
  return value;
}

double number_field(lua_State* L, int index, const char* name, double fallback) {
  lua_getfield(L, index, name);
  double value = fallback;
  if (!lua_isnil(L, -1)) {
    if (lua_type(L, -1) != LUA_TNUMBER) wrong_field(L, name, "a number");
    value = lua_tonumber(L, -1);
  }
  lua_pop(L, 1);
  return value;
}

bool boolean_field(lua_State* L, int index, const char* name, bool fallback) {
  lua_getfield(L, index, name);
  bool value = lua_isnil(L, -1) ? fallback : lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return value;
}

std::vector<std::string> strings(lua_State* L, int index) {
  if (index < 0) index = lua_gettop(L) + index + 1;
  luaL_checktype(L, index, LUA_TTABLE);
  std::vector<std::string> list;
  for (std::size_t at = 1; at <= lua_objlen(L, index); ++at) {
    lua_rawgeti(L, index, static_cast<int>(at));
    list.push_back(check_string(L, -1));
    lua_pop(L, 1);
  }
  return list;
}

std::vector<std::string> strings_field(lua_State* L, int index, const char* name) {
  lua_getfield(L, index, name);
  std::vector<std::string> list;
  if (!lua_isnil(L, -1)) list = strings(L, -1);
  lua_pop(L, 1);
  return list;
}

void push(lua_State* L, const std::vector<std::string>& list) {
  lua_createtable(L, static_cast<int>(list.size()), 0);
  for (std::size_t at = 0; at < list.size(); ++at) {
    push(L, std::string_view{list[at]});
    lua_rawseti(L, -2, static_cast<int>(at + 1));
  }
}

bool has_metatable(lua_State* L, int index, const char* name) {
  if (!lua_getmetatable(L, index)) return false;
  luaL_getmetatable(L, name);
  bool same = lua_rawequal(L, -1, -2) != 0;
  lua_pop(L, 2);
  return same;
}

std::string number_text(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  if (number == 0 && std::signbit(number)) return "-0";
  if (number == std::floor(number) && std::fabs(number) < 1e15) return std::to_string(static_cast<long long>(number));
  return fmt::format("{}", number);
}

void set_field(lua_State* L, const char* name, std::string_view value) {
  push(L, value);
  lua_setfield(L, -2, name);
}

void set_field(lua_State* L, const char* name, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

void set_flag(lua_State* L, const char* name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

}  // namespace opsh::lua
