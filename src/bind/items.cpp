#include "plan/items.hpp"

#include <algorithm>

#include "bind/module.hpp"
#include "bind/session.hpp"
#include "plan/survey.hpp"

namespace opsh::lua {
template <>
const char* Object<plan::Items>::name = "opsh.items";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using ItemsObject = lua::Object<plan::Items>;

void push_tallies(lua_State* L, const plan::Survey& survey) {
  lua_newtable(L);
  int at = 0;
  for (const auto& group : survey.tally()) {
    lua_newtable(L);
    for (std::size_t column = 0; column < group.values.size(); ++column) {
      if (group.values[column])
        lua::push(L, std::string_view{*group.values[column]});
      else
        lua::push_null(L);
      lua_rawseti(L, -2, static_cast<int>(column + 1));
    }
    lua::set_field(L, "count", static_cast<double>(group.count));
    lua::set_flag(L, "others", group.others);
    lua_rawseti(L, -2, ++at);
  }
}

int items_size(lua_State* L) {
  lua_pushnumber(L, static_cast<double>(ItemsObject::check(L, 1).size()));
  return 1;
}

/// items:memory() -> bytes
int items_memory(lua_State* L) {
  lua_pushnumber(L, static_cast<double>(ItemsObject::check(L, 1).memory()));
  return 1;
}

std::size_t row_at(lua_State* L, const plan::Items& items, int index) {
  auto row = static_cast<std::size_t>(luaL_checknumber(L, index));
  if (row < 1 || row > items.size()) throw Error{"internal", "no such item"};
  return row - 1;
}

int items_key(lua_State* L) {
  auto& items = ItemsObject::check(L, 1);
  lua::push(L, items.key(row_at(L, items, 2)));
  return 1;
}

/// items:only({ rows })
int items_only(lua_State* L) {
  auto& items = ItemsObject::check(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  std::vector<std::size_t> rows;
  for (int at = 1; at <= static_cast<int>(lua_objlen(L, 2)); ++at) {
    lua_rawgeti(L, 2, at);
    rows.push_back(row_at(L, items, -1));
    lua_pop(L, 1);
  }
  ItemsObject::make(L, items.only(rows));
  return 1;
}

/// items:figures{ tally, totals, label_column }
int items_figures(lua_State* L) {
  auto& items = ItemsObject::check(L, 1);
  std::vector<std::string> names;
  for (const auto& column : items.columns()) names.push_back(column.name);
  plan::Survey survey{
      plan::SurveyShape{names, lua::strings_field(L, 2, "tally"), lua::strings_field(L, 2, "totals"), {}, {}, 0}};
  std::string label_column = lua::string_field(L, 2, "label_column");
  auto label = static_cast<std::size_t>(std::find(names.begin(), names.end(), label_column) - names.begin());
  std::vector<plan::Field> fields(names.size());
  for (std::size_t row = 0; row < items.size(); ++row) {
    for (std::size_t column = 0; column < fields.size(); ++column) fields[column] = items.field(row, column);
    survey.add(fields, label < fields.size() ? fields[label] : std::nullopt);
  }
  push_figures(L, survey);
  return 1;
}

/// items:list(batch or reader): the rows as Lua tables, with the row metatable.
int items_list(lua_State* L) {
  auto& items = ItemsObject::check(L, 1);
  auto* batch = lua::Object<BatchHandle>::test(L, 2);
  db::Connection& connection =
      batch ? batch->get().writer().connection() : lua::Object<ReaderHandle>::check(L, 2).get().connection();
  std::vector<std::string> names;
  std::vector<unsigned> types;
  for (const auto& column : items.columns()) {
    names.push_back(column.name);
    types.push_back(column.type);
  }
  push_row_metatable(L, names, types);
  int metatable = lua_gettop(L);
  lua_createtable(L, static_cast<int>(items.size()), 0);
  for (std::size_t row = 0; row < items.size(); ++row) {
    lua_createtable(L, 0, static_cast<int>(names.size()));
    for (std::size_t column = 0; column < names.size(); ++column) {
      push_field(L, connection, types[column], items.field(row, column));
      lua_setfield(L, -2, names[column].c_str());
    }
    lua_pushvalue(L, metatable);
    lua_setmetatable(L, -2);
    lua_rawseti(L, -2, static_cast<int>(row + 1));
  }
  return 1;
}

}  // namespace

/// { seen, items, skipped, rejected, labels = {name = n}, totals = {name = text}, tally = {{v1, v2, count = n}} }
void push_figures(lua_State* L, const plan::Survey& survey) {
  lua_newtable(L);
  lua::set_field(L, "seen", static_cast<double>(survey.seen()));
  lua::set_field(L, "items", static_cast<double>(survey.items()));
  lua::set_field(L, "skipped", static_cast<double>(survey.skipped()));
  lua::set_field(L, "rejected", static_cast<double>(survey.rejected()));
  lua_newtable(L);
  for (const auto& [label, count] : survey.labels()) lua::set_field(L, label.c_str(), static_cast<double>(count));
  lua_setfield(L, -2, "labels");
  lua_newtable(L);
  for (const auto& total : survey.totals()) lua::set_field(L, total.column.c_str(), total.sum.text());
  lua_setfield(L, -2, "totals");
  push_tallies(L, survey);
  lua_setfield(L, -2, "tally");
}

void open_items(lua_State* L) {
  static const luaL_Reg items[] = {{"size", lua::guarded<items_size>},
                                   {"key", lua::guarded<items_key>},
                                   {"only", lua::guarded<items_only>},
                                   {"figures", lua::guarded<items_figures>},
                                   {"list", lua::guarded<items_list>},
                                   {"memory", lua::guarded<items_memory>},
                                   {nullptr, nullptr}};
  ItemsObject::define(L, items);
}

}  // namespace opsh::bind
