#include "bind/module.hpp"
#include "bind/session.hpp"
#include "db/catalog_names.hpp"
#include "lua/object.hpp"
#include "sql/scanner.hpp"

namespace opsh::bind {
/// Names that are being read; empty after close().
struct NamesHandle {
  std::optional<db::CatalogRead> read;
};
}  // namespace opsh::bind

namespace opsh::lua {
template <>
const char* Object<bind::NamesHandle>::name = "opsh.names";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using NamesObject = lua::Object<NamesHandle>;

/// read(target) -> what reads the names of a database, on a session of its own that nobody waits for
int read_names(lua_State* L) {
  db::Target target = target_at(L, 1);
  target.judged = false;
  NamesObject::make(L).read.emplace(target);
  return 1;
}

int descriptor(lua_State* L) {
  auto& read = NamesObject::check(L, 1).read;
  if (!read) return 0;
  lua_pushnumber(L, read->descriptor());
  return 1;
}

/// take() -> whether it is over; what was read, once: { schemas, relations, functions, types, keys }, each a list of
/// texts as db/catalog_names.hpp has them; nothing when it failed
int take_names(lua_State* L) {
  auto& read = NamesObject::check(L, 1).read;
  lua_pushboolean(L, !read || read->is_over());
  if (!read || !read->is_over()) return 1;
  auto names = read->take();
  read.reset();
  if (!names) return 1;
  lua_createtable(L, 0, 5);
  auto set = [&](const char* name, const std::vector<std::string>& texts) {
    lua::push(L, texts);
    lua_setfield(L, -2, name);
  };
  set("schemas", names->schemas);
  set("relations", names->relations);
  set("functions", names->functions);
  set("types", names->types);
  set("keys", names->keys);
  return 2;
}

int close_names(lua_State* L) {
  NamesObject::check(L, 1).read.reset();
  return 0;
}

/// tokens(sql) -> { { text, begin, keyword = true }, ... }, breaks_off: of a text that somebody is typing, without
/// comments; whether it ends within a string, a quoted name or a comment
int tokens(lua_State* L) {
  const std::string text = lua::check_string(L, 1);
  // With every Tab.
  sql::check_size(text);
  const sql::UnfinishedScan scan = sql::scan_unfinished(text);
  lua_createtable(L, static_cast<int>(scan.tokens.size()), 0);
  int at = 0;
  for (const auto& token : scan.tokens) {
    if (token.is_comment()) continue;
    lua_createtable(L, 0, 3);
    lua::set_field(L, "text", text.substr(token.begin, token.end - token.begin));
    lua::set_field(L, "begin", static_cast<double>(token.begin + 1));
    lua::set_flag(L, "keyword", token.is_keyword() && !token.is_column_name());
    lua_rawseti(L, -2, ++at);
  }
  lua_pushboolean(L, scan.breaks_off);
  return 2;
}

}  // namespace

void open_names(lua_State* L) {
  static const luaL_Reg names[] = {{"descriptor", lua::guarded<descriptor>},
                                   {"take", lua::guarded<take_names>},
                                   {"close", lua::guarded<close_names>},
                                   {nullptr, nullptr}};
  NamesObject::define(L, names);
  module(L, "opsh.native.names", {{"read", lua::guarded<read_names>}, {"tokens", lua::guarded<tokens>}});
}

}  // namespace opsh::bind
