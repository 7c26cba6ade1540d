#include "bind/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <cmath>

#include "base/error.hpp"

namespace opsh::bind {
namespace {

// Ten years: what is longer does not fit into the clock for ever, and is the same to people.
constexpr double longest_wait = 10.0 * 365 * 86400;

bool is_count(double number) {
  return number >= 0 && number <= INT_MAX && number == std::floor(number);
}

}  // namespace

std::size_t check_count(lua_State* L, int index) {
  double number = luaL_checknumber(L, index);
  luaL_argcheck(L, is_count(number), index, "must be a whole number, not negative");
  return static_cast<std::size_t>(number);
}

std::size_t count_field(lua_State* L, int index, const char* name) {
  double number = lua::number_field(L, index, name, 0);
  if (!is_count(number))
    throw Error{"usage.argument",
                fmt::format("{} must be a whole number, not negative: {}", name, lua::number_text(number))};
  return static_cast<std::size_t>(number);
}

Seconds check_seconds(lua_State* L, int index) {
  double seconds = luaL_checknumber(L, index);
  luaL_argcheck(L, seconds >= 0, index, "must be seconds, not negative");
  return Seconds{std::min(seconds, longest_wait)};
}

Deadline optional_deadline(lua_State* L, int index) {
  return lua_isnoneornil(L, index) ? Deadline{} : Deadline::in(check_seconds(L, index));
}

Deadline deadline_field(lua_State* L, int index, const char* name) {
  double seconds = lua::number_field(L, index, name, HUGE_VAL);
  if (!(seconds >= 0))
    throw Error{"usage.argument", fmt::format("{} must be seconds, not negative: {}", name, lua::number_text(seconds))};
  return seconds == HUGE_VAL ? Deadline{} : Deadline::in(Seconds{std::min(seconds, longest_wait)});
}

std::map<std::string, std::string> names_at(lua_State* L, int index, const char* name) {
  std::map<std::string, std::string> values;
  if (lua_isnoneornil(L, index)) return values;
  if (!lua_istable(L, index))
    throw Error{"usage.argument", fmt::format("{} must be a table, not {}", name, luaL_typename(L, index))};
  lua_pushvalue(L, index);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    // Asked for their types first: reading a number as text would change the key under lua_next.
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
      throw Error{"usage.argument", fmt::format("{} must be a table from names to texts", name)};
    values[lua::check_string(L, -2)] = lua::check_string(L, -1);
  }
  lua_pop(L, 1);
  return values;
}

std::map<std::string, std::string> names_field(lua_State* L, int index, const char* name) {
  lua_getfield(L, index, name);
  auto values = names_at(L, -1, name);
  lua_pop(L, 1);
  return values;
}

}  // namespace opsh::bind
