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
          lua::boolean_field(L, index, "bold_header")};
}

/// table({ {title, right} }, { {text, ...} }, {width, indent, ascii, bold_header} or nil)
int table(lua_State* L) {
  report::Table made{columns_at(L, 1)};
  luaL_checktype(L, 2, LUA_TTABLE);
  for (int at = 1; at <= static_cast<int>(lua_objlen(L, 2)); ++at) {
    lua_rawgeti(L, 2, at);
    made.add(lua::strings(L, -1));
    lua_pop(L, 1);
  }
  lua::push(L, made.render(layout_at(L, 3)));
  return 1;
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

/// csv(rows) -> text
int csv(lua_State* L) {
  lua::push(L, csv_text(L, 1));
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
