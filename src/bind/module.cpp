#include "bind/module.hpp"

#include "bind/json.hpp"
#include "bind/modules.hpp"
#include "bind/session.hpp"

namespace opsh::bind {
namespace {

void push_native_modules(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, native_modules);
  if (lua_istable(L, -1)) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, native_modules);
}

}  // namespace

void module(lua_State* L, const char* name, std::initializer_list<luaL_Reg> functions) {
  push_native_modules(L);
  lua_getfield(L, -1, name);
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    lua_createtable(L, 0, static_cast<int>(functions.size()));
  }
  for (const auto& function : functions) {
    lua_pushcfunction(L, function.func);
    lua_setfield(L, -2, function.name);
  }
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

void open_all(lua_State* L) {
  for (auto open : {open_json,       open_db,
                    open_items,      open_plan,
                    open_batch,      open_journal,
                    open_simulation, open_audit,
                    open_tables,     open_undo,
                    open_sql,        open_shape,
                    open_system,     open_text,
                    open_pattern,    open_report,
                    open_digest,     open_decimal,
                    open_log,        open_proc,
                    open_http,       open_doctor,
                    open_secrets,    open_sandbox,
                    open_backup,     open_backup_contents,
                    open_restore,    open_item_report,
                    open_text_file,  open_programs,
                    open_names})
    open(L);
}

}  // namespace opsh::bind
