#pragma once

#include <exception>
#include <optional>

#include "base/error.hpp"
#include "lua/stack.hpp"
#include "lua/whereabouts.hpp"

namespace opsh::lua {

/// Pushes an Error as the table that runbooks see: kind, message, hint, sqlstate, detail, where, excerpt, traceback;
/// without secrets (base/redact.hpp), because it goes into records as well.
void push_error(lua_State* L, const Error& error);

/// Makes a C function of a binding: its opsh::Error becomes a Lua error. Never `catch (...)`: LuaJIT's own errors are
/// foreign exceptions that must pass (facts: LuaJIT).
template <lua_CFunction function>
int guarded(lua_State* L) {
  InOpsh here;
  std::optional<Error> failure;
  try {
    return function(L);
  } catch (const Error& error) {
    failure.emplace(error);
  } catch (const std::exception& error) {
    failure.emplace("internal", error.what(), "this is a defect of opsh: please report it");
  }
  // Outside the handler, so that the exception is gone before Lua unwinds this frame.
  push_error(L, *failure);
  failure.reset();
  return lua_error(L);
}

}  // namespace opsh::lua
