#include <cmath>

#include "bind/arguments.hpp"
#include "bind/csv.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "report/figures.hpp"
#include "report/table.hpp"

namespace opsh::bind {
namespace {

std::vector<report::Column> columns_at(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  std::vector<report::Column> columns;
  for (int at = 1; at <= static_cast<int>(lua_objlen(L, index)); ++at) {
    lua_rawgeti(L, index, at);
    luaL_checktype(L, -1, LUA_TTABLE);
    auto align = lua::boolean_field(L, -1, "right") ? report::Align::right : report::Align::left;
    columns.push_back({lua::string_field(L, -1, "title"), align});
    lua_pop(L, 1);
  }
  return columns;
}

report::TableLayout layout_at(lua_State* L, int index) {
  if (lua_isnoneornil(L, index)) return {};
  luaL_checktype(L, index, LUA_TTABLE);
  return {count_field(L, index, "width"), count_field(L, index, "indent"), lua::boolean_field(L, index, "ascii"),
          lua::boolean_field(L, index, "bold_header"), lua::boolean_field(L, index, "goes_on")};
}

/// The field `widths` of a layout: what the table's columns had before.
void widen(lua_State* L, int layout, report::Table& made) {
  if (!lua_istable(L, layout)) return;
  lua_getfield(L, layout, "widths");
  std::vector<std::size_t> widths;
  for (int at = 1; lua_istable(L, -1) && at <= static_cast<int>(lua_objlen(L, -1)); ++at) {
    lua_rawgeti(L, -1, at);
    widths.push_back(check_count(L, -1));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  made.widen(widths);
}

/// table({ {title, right} }, { {text, ...} }, {width, indent, ascii, bold_header, goes_on, widths} or nil) -> text,
/// widths of the columns, width of all when nothing is cut
int table(lua_State* L) {
  report::Table made{columns_at(L, 1)};
  luaL_checktype(L, 2, LUA_TTABLE);
  for (int at = 1; at <= static_cast<int>(lua_objlen(L, 2)); ++at) {
    lua_rawgeti(L, 2, at);
    made.add(lua::strings(L, -1));
    lua_pop(L, 1);
  }
  widen(L, 3, made);
  lua::push(L, made.render(layout_at(L, 3)));
  lua_createtable(L, static_cast<int>(made.widths().size()), 0);
  for (std::size_t at = 0; at < made.widths().size(); ++at) {
    lua_pushnumber(L, static_cast<double>(made.widths()[at]));
    lua_rawseti(L, -2, static_cast<int>(at + 1));
  }
  lua_pushnumber(L, static_cast<double>(made.width()));
  return 3;
}

int number(lua_State* L) {
  double value = luaL_checknumber(L, 1);
  luaL_argcheck(L, std::fabs(value) < 0x1p63, 1, "out of range");
  lua::push(L, report::number(std::llround(value)));
  return 1;
}

int duration(lua_State* L) {
  lua::push(L, report::duration(luaL_checknumber(L, 1)));
  return 1;
}

int bytes(lua_State* L) {
  double count = luaL_checknumber(L, 1);
  luaL_argcheck(L, count >= 0 && count < 0x1p64, 1, "out of range");
  lua::push(L, report::bytes(static_cast<std::uint64_t>(count)));
  return 1;
}

/// csv(rows, goes on) -> text; what goes on has no line of names
int csv(lua_State* L) {
  lua::push(L, csv_text(L, 1, !lua_toboolean(L, 2)));
  return 1;
}

}  // namespace

void open_report(lua_State* L) {
  module(L, "opsh.native.report",
         {{"table", lua::guarded<table>},
          {"number", lua::guarded<number>},
          {"duration", lua::guarded<duration>},
          {"bytes", lua::guarded<bytes>},
          {"csv", lua::guarded<csv>}});
}

}  // namespace opsh::bind
