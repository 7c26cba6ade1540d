#include "backup/replacement.hpp"
#include "backup/table_copies.hpp"
#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "bind/session.hpp"

namespace opsh::bind {
/// Copies being made; empty after close().
struct CopiesHandle {
  std::unique_ptr<backup::TableCopies> copies;

  backup::TableCopies& get() {
    if (!copies) throw Error{"session.closed", "these copies are closed"};
    return *copies;
  }
};
}  // namespace opsh::bind

namespace opsh::lua {
template <>
const char* Object<bind::CopiesHandle>::name = "opsh.table_copies";
template <>
const char* Object<backup::Replacement>::name = "opsh.replacement";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using ReplacementObject = lua::Object<backup::Replacement>;
using CopiesObject = lua::Object<CopiesHandle>;

/// replacement(target, { original, original_oid = text or nil, fresh, before }) -> replacement: nothing is done yet.
int make(lua_State* L) {
  luaL_checktype(L, 2, LUA_TTABLE);
  auto field = [&](const char* name) { return lua::string_field(L, 2, name); };
  ReplacementObject::make(
      L, target_at(L, 1),
      backup::ReplacedNames{field("original"), field("original_oid"), field("fresh"), field("before")});
  return 1;
}

/// replacement:create{ encoding, collate, ctype }: what it is made with where there is no original.
int create(lua_State* L) {
  luaL_checktype(L, 2, LUA_TTABLE);
  auto field = [&](const char* name) { return lua::string_field(L, 2, name); };
  ReplacementObject::check(L, 1).create({field("encoding"), field("collate"), field("ctype")});
  return 0;
}

int analyze(lua_State* L) {
  ReplacementObject::check(L, 1).analyze();
  return 0;
}

int adopt_properties(lua_State* L) {
  ReplacementObject::check(L, 1).adopt_properties();
  return 0;
}

/// replacement:swap_in(seconds) -> { closed = seconds, ended = sessions, answer_lost }
int swap_in(lua_State* L) {
  backup::Swap done = ReplacementObject::check(L, 1).swap_in(check_seconds(L, 2));
  lua_createtable(L, 0, 3);
  lua::set_field(L, "closed", done.closed.count());
  lua::set_field(L, "ended", static_cast<double>(done.ended));
  lua::set_flag(L, "answer_lost", done.answer_lost);
  return 1;
}

int drop(lua_State* L) {
  ReplacementObject::check(L, 1).drop();
  return 0;
}

/// copies(target, schema) -> copies: the schema is made, in a transaction.
int open_copies(lua_State* L) {
  db::Target target = target_at(L, 1);
  target.judged = false;
  auto copies = std::make_unique<backup::TableCopies>(target, lua::check_string(L, 2));
  show_notices(copies->writer().connection());
  CopiesObject::make(L, std::move(copies));
  return 1;
}

/// copies:add(reader, original, name, key) -> rows: `original` as SQL writes it, `key` a list of columns.
int add_copy(lua_State* L) {
  auto& copies = CopiesObject::check(L, 1).get();
  db::Reader& from = lua::Object<ReaderHandle>::check(L, 2).get();
  auto original = sql::parse_qualified_name(lua::check_string(L, 3));
  lua_pushnumber(L, static_cast<double>(copies.add(from, original, lua::check_string(L, 4), lua::strings(L, 5))));
  return 1;
}

int finish_copies(lua_State* L) {
  CopiesObject::check(L, 1).get().finish();
  return 0;
}

int close_copies(lua_State* L) {
  CopiesObject::check(L, 1).copies.reset();
  return 0;
}

}  // namespace

void open_restore(lua_State* L) {
  static const luaL_Reg replacement[] = {{"create", lua::guarded<create>},
                                         {"analyze", lua::guarded<analyze>},
                                         {"adopt_properties", lua::guarded<adopt_properties>},
                                         {"swap_in", lua::guarded<swap_in>},
                                         {"drop", lua::guarded<drop>},
                                         {nullptr, nullptr}};
  static const luaL_Reg copies[] = {{"add", lua::guarded<add_copy>},
                                    {"finish", lua::guarded<finish_copies>},
                                    {"close", lua::guarded<close_copies>},
                                    {nullptr, nullptr}};
  ReplacementObject::define(L, replacement);
  CopiesObject::define(L, copies);
  module(L, "opsh.native.restore", {{"replacement", lua::guarded<make>}, {"copies", lua::guarded<open_copies>}});
}

}  // namespace opsh::bind
