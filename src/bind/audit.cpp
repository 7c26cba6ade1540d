#include "audit/log.hpp"
#include "bind/files.hpp"
#include "bind/json.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "bind/session.hpp"
#include "lua/object.hpp"

namespace opsh::bind {
/// A run's audit log; empty after close().
struct AuditHandle {
  std::optional<audit::Log> log;

  audit::Log& get() {
    if (!log) throw Error{"audit.write", "this audit log is closed"};
    return *log;
  }
};
}  // namespace opsh::bind

namespace opsh::lua {
template <>
const char* Object<bind::AuditHandle>::name = "opsh.audit";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using AuditObject = lua::Object<AuditHandle>;

void push_head(lua_State* L, const audit::Head& head) {
  lua_createtable(L, 0, 2);
  lua::set_field(L, "entries", static_cast<double>(head.entries));
  lua::set_field(L, "sha256", head.sha256);
}

/// The field `name` of the table at `index`: a head, or nothing.
std::optional<audit::Head> head_field(lua_State* L, int index, const char* name) {
  lua_getfield(L, index, name);
  std::optional<audit::Head> head;
  if (!lua_isnil(L, -1)) {
    luaL_checktype(L, -1, LUA_TTABLE);
    int at = lua_gettop(L);
    head = {static_cast<std::uint64_t>(lua::number_field(L, at, "entries", 0)), lua::string_field(L, at, "sha256")};
  }
  lua_pop(L, 1);
  return head;
}

/// open{ path, run, host, recorded = head or nil } -> log
int open_log(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  audit::Owner owner{lua::string_field(L, 1, "run"), lua::string_field(L, 1, "host")};
  audit::Log log{lua::string_field(L, 1, "path"), std::move(owner), head_field(L, 1, "recorded")};
  AuditObject::make(L).log.emplace(std::move(log));
  return 1;
}

/// log:append(event, details) -> head
int append(lua_State* L) {
  auto& log = AuditObject::check(L, 1).get();
  std::string event = lua::check_string(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  push_head(L, log.append(event, redacted_json_text(L, 3, json::Layout::compact)));
  return 1;
}

int head(lua_State* L) {
  push_head(L, AuditObject::check(L, 1).get().head());
  return 1;
}

int close_log(lua_State* L) {
  AuditObject::check(L, 1).log.reset();
  return 0;
}

/// verify{ path, run, recorded } -> { first, head, problem = { kind, entry, line, message } or nil }
int verify(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  audit::Verdict verdict = audit::verify(files::read(lua::string_field(L, 1, "path")),
                                         {lua::string_field(L, 1, "run"), {}, head_field(L, 1, "recorded")});
  lua_createtable(L, 0, 3);
  lua::set_field(L, "first", static_cast<double>(verdict.first));
  push_head(L, verdict.head);
  lua_setfield(L, -2, "head");
  if (!verdict.problem) return 1;
  lua_createtable(L, 0, 4);
  lua::set_field(L, "kind", audit::name(verdict.problem->damage));
  lua::set_field(L, "entry", static_cast<double>(verdict.problem->entry));
  lua::set_field(L, "line", static_cast<double>(verdict.problem->line));
  lua::set_field(L, "message", verdict.problem->message);
  lua_setfield(L, -2, "problem");
  return 1;
}

}  // namespace

journal::AuditHead audit_head_at(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  return {static_cast<std::int64_t>(lua::number_field(L, index, "entries", 0)), lua::string_field(L, index, "sha256")};
}

void open_audit(lua_State* L) {
  static const luaL_Reg log[] = {{"append", lua::guarded<append>},
                                 {"head", lua::guarded<head>},
                                 {"close", lua::guarded<close_log>},
                                 {nullptr, nullptr}};
  AuditObject::define(L, log);
  module(L, "opsh.native.audit", {{"open", lua::guarded<open_log>}, {"verify", lua::guarded<verify>}});
}

}  // namespace opsh::bind
