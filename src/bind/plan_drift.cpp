#include "bind/plan_drift.hpp"

#include "bind/arguments.hpp"
#include "plan/drift.hpp"

namespace opsh::bind {
namespace {

void set_text(lua_State* L, const char* name, const std::optional<std::string>& text) {
  if (text)
    lua::push(L, *text);
  else
    lua::push_null(L);
  lua_setfield(L, -2, name);
}

void set_items(lua_State* L, const char* name, const std::vector<plan::DriftedItem>& items) {
  lua_newtable(L);
  int number = 0;
  for (const auto& item : items) {
    lua_newtable(L);
    lua::push(L, item.key);
    lua_setfield(L, -2, "key");
    lua_newtable(L);
    int value_number = 0;
    for (const auto& value : item.values) {
      lua_newtable(L);
      lua::set_field(L, "column", value.column);
      set_text(L, "before", value.before);
      set_text(L, "now", value.now);
      lua_rawseti(L, -2, ++value_number);
    }
    lua_setfield(L, -2, "values");
    lua_rawseti(L, -2, ++number);
  }
  lua_setfield(L, -2, name);
}

}  // namespace

int spool_columns(lua_State* L) {
  const plan::Spool spool = plan::Spool::open(lua::check_string(L, 1));
  lua_newtable(L);
  int number = 0;
  for (const auto& column : spool.columns()) {
    lua_newtable(L);
    lua::set_field(L, "name", column.name);
    lua::set_field(L, "type", column.type_name);
    lua_rawseti(L, -2, ++number);
  }
  return 1;
}

int compare_plans(lua_State* L) {
  const plan::Spool before = plan::Spool::open(lua::check_string(L, 1));
  const plan::Spool now = plan::Spool::open(lua::check_string(L, 2));
  luaL_checktype(L, 3, LUA_TTABLE);
  const plan::Drift drift = plan::compare(
      before, now, {lua::strings_field(L, 3, "key"), lua::string_field(L, 3, "folder"), count_field(L, 3, "shown")});
  lua_newtable(L);
  lua::set_field(L, "before", static_cast<double>(drift.before));
  lua::set_field(L, "now", static_cast<double>(drift.now));
  lua::set_field(L, "came", static_cast<double>(drift.came));
  lua::set_field(L, "went", static_cast<double>(drift.went));
  lua::set_field(L, "changed", static_cast<double>(drift.changed));
  set_items(L, "first_came", drift.first_came);
  set_items(L, "first_went", drift.first_went);
  set_items(L, "first_changed", drift.first_changed);
  return 1;
}

}  // namespace opsh::bind
