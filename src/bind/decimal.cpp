#include "base/decimal.hpp"

#include <fmt/format.h>

#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "text/printable.hpp"

namespace opsh::bind {
namespace {

/// A number, a numeric text or a JSON number that keeps its text; nothing for any other value.
std::optional<Decimal> decimal_at(lua_State* L, int index) {
  if (lua_type(L, index) == LUA_TNUMBER) return Decimal::parse(lua::number_text(lua_tonumber(L, index)));
  if (lua_type(L, index) == LUA_TSTRING) return Decimal::parse(lua::check_string(L, index));
  if (!lua::has_metatable(L, index, lua::number_metatable)) return std::nullopt;
  return Decimal::parse(lua::string_field(L, index, "text"));
}

Decimal check_decimal(lua_State* L, int index) {
  if (auto decimal = decimal_at(L, index)) return *decimal;
  if (lua_type(L, index) != LUA_TSTRING)
    throw Error{"usage.value", fmt::format("a {} is not a number", luaL_typename(L, index))};
  throw Error{"usage.value", fmt::format("\"{}\" is not a number", text::printable(lua::check_string(L, index)))};
}

/// compare(a, b) -> -1, 0 or 1; nothing when one of them is no number
int compare(lua_State* L) {
  auto left = decimal_at(L, 1);
  auto right = decimal_at(L, 2);
  if (!left || !right) return 0;
  lua_pushinteger(L, *left < *right ? -1 : *left > *right ? 1 : 0);
  return 1;
}

int add(lua_State* L) {
  Decimal sum = check_decimal(L, 1);
  sum += check_decimal(L, 2);
  lua::push(L, sum.text());
  return 1;
}

}  // namespace

void open_decimal(lua_State* L) {
  module(L, "opsh.native.decimal", {{"compare", lua::guarded<compare>}, {"add", lua::guarded<add>}});
}

}  // namespace opsh::bind
