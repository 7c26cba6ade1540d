#include "lua/guard.hpp"

#include <string_view>

#include "base/redact.hpp"

namespace opsh::lua {
namespace {

/// "file:line" of the innermost function that is not opsh's own Lua: the line of the script that asked.
std::string script_line(lua_State* L) {
  lua_Debug frame;
  for (int level = 0; lua_getstack(L, level, &frame); ++level) {
    lua_getinfo(L, "Sl", &frame);
    std::string_view source = frame.source;
    if (frame.currentline <= 0 || source.empty() || source.substr(0, own_chunks.size()) == own_chunks) continue;
    return std::string{source.substr(source.front() == '@' ? 1 : 0)} + ":" + std::to_string(frame.currentline);
  }
  return {};
}

}  // namespace

void push_error(lua_State* L, const Error& error) {
  lua_createtable(L, 0, 8);
  auto set = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    push(L, redact::redacted(value));
    lua_setfield(L, -2, name);
  };
  set("kind", error.kind);
  // Also an empty one, which a trigger may raise: whoever reads an error relies on it.
  push(L, redact::redacted(error.message));
  lua_setfield(L, -2, "message");
  set("hint", error.hint);
  set("sqlstate", error.sqlstate);
  set("detail", error.detail);
  set("where", error.where.empty() ? script_line(L) : error.where);
  set("excerpt", error.excerpt);
  luaL_traceback(L, L, nullptr, 1);
  lua_setfield(L, -2, "traceback");
  luaL_getmetatable(L, error_metatable);
  lua_setmetatable(L, -2);
}

}  // namespace opsh::lua
