#include "report/item_report.hpp"

#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "lua/object.hpp"

namespace opsh::lua {
template <>
const char* Object<std::optional<report::ItemReport>>::name = "opsh.item_report";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

/// Empty after close().
using ReportObject = lua::Object<std::optional<report::ItemReport>>;

report::ItemReport& check_report(lua_State* L) {
  auto& report = ReportObject::check(L, 1);
  if (!report) throw Error{"internal", "this report is closed"};
  return *report;
}

/// items{ base, folder, names, head (JSON), list, columns, masked, key, label, spools = { { first, path }, ... } }
int open_report_of_items(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  report::ItemReportRequest request{lua::string_field(L, 1, "base"),    lua::string_field(L, 1, "folder"),
                                    lua::strings_field(L, 1, "names"),  lua::string_field(L, 1, "head"),
                                    lua::string_field(L, 1, "list"),    lua::strings_field(L, 1, "columns"),
                                    lua::strings_field(L, 1, "masked"), lua::strings_field(L, 1, "key"),
                                    lua::string_field(L, 1, "label"),   {}};
  lua_getfield(L, 1, "spools");
  luaL_checktype(L, -1, LUA_TTABLE);
  for (int at = 1; at <= static_cast<int>(lua_objlen(L, -1)); ++at) {
    lua_rawgeti(L, -1, at);
    luaL_checktype(L, -1, LUA_TTABLE);
    request.spools.emplace_back(lua::number_field(L, -1, "first", 0), lua::string_field(L, -1, "path"));
    lua_pop(L, 1);
  }
  ReportObject::make(L).emplace(std::move(request));
  return 1;
}

std::vector<report::LeftOut> left_out_at(lua_State* L, int index) {
  std::vector<report::LeftOut> list;
  if (lua_isnoneornil(L, index)) return list;
  luaL_checktype(L, index, LUA_TTABLE);
  for (int at = 1; at <= static_cast<int>(lua_objlen(L, index)); ++at) {
    lua_rawgeti(L, index, at);
    luaL_checktype(L, -1, LUA_TTABLE);
    int item = lua_gettop(L);
    auto& left = list.emplace_back();
    left.key = lua::strings_field(L, item, "key");
    left.outcome = lua::string_field(L, item, "outcome");
    lua_getfield(L, item, "error");
    if (lua_isstring(L, -1)) left.error = lua::view(L, -1);
    lua_settop(L, item - 1);
  }
  return list;
}

/// report:add(end, outcome, { { key, outcome, error }, ... } or nil, key of the last item or nil)
int add_items(lua_State* L) {
  auto& report = check_report(L);
  auto end = static_cast<std::uint64_t>(luaL_checknumber(L, 2));
  std::optional<std::vector<std::string>> last_key;
  if (!lua_isnoneornil(L, 5)) last_key = lua::strings(L, 5);
  report.add(end, lua::check_string(L, 3), left_out_at(L, 4), last_key);
  return 0;
}

/// report:add_rejected(path)
int add_rejected(lua_State* L) {
  check_report(L).add_rejected(lua::check_string(L, 2));
  return 0;
}

/// report:counts() -> number of items by outcome
int counts(lua_State* L) {
  lua_newtable(L);
  for (const auto& [outcome, count] : check_report(L).counts())
    lua::set_field(L, outcome.c_str(), static_cast<double>(count));
  return 1;
}

/// report:publish() -> { { path, sha256, bytes }, ... }
int publish(lua_State* L) {
  auto made = check_report(L).publish();
  lua_newtable(L);
  for (int at = 0; at < static_cast<int>(made.size()); ++at) {
    const auto& file = made[static_cast<std::size_t>(at)];
    lua_newtable(L);
    lua::set_field(L, "path", file.path);
    lua::set_field(L, "sha256", file.sha256);
    lua::set_field(L, "bytes", static_cast<double>(file.bytes));
    lua_rawseti(L, -2, at + 1);
  }
  return 1;
}

/// report:close(): what was not published is removed.
int close_report(lua_State* L) {
  ReportObject::check(L, 1).reset();
  return 0;
}

/// probe_folder(base, folder, name): makes the folder, and a file there that goes again.
int probe_folder(lua_State* L) {
  auto folder = std::make_shared<const report::Folder>(lua::check_string(L, 1), lua::check_string(L, 2));
  report::NewFile probe{std::move(folder), lua::check_string(L, 3)};
  return 0;
}

}  // namespace

void open_item_report(lua_State* L) {
  static const luaL_Reg methods[] = {
      {"add", lua::guarded<add_items>},      {"add_rejected", lua::guarded<add_rejected>},
      {"counts", lua::guarded<counts>},      {"publish", lua::guarded<publish>},
      {"close", lua::guarded<close_report>}, {nullptr, nullptr}};
  ReportObject::define(L, methods);
  module(L, "opsh.native.report",
         {{"items", lua::guarded<open_report_of_items>}, {"probe_folder", lua::guarded<probe_folder>}});
}

}  // namespace opsh::bind
