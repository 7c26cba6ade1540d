#pragma once

#include "lua/stack.hpp"

namespace opsh::host {

/// The host's `require`, a C function: native modules, then opsh's own Lua, embedded or, with OPSH_LUA_DIR, from a
/// source tree. Nothing is parsed before it is asked for (facts: LuaJIT). Errors: "internal" for a module that is not
/// there.
int require_module(lua_State* L);

/// A C function, asset(path) -> what the file of this path in the source tree says: a style sheet or JavaScript,
/// embedded as modules are. Errors: "internal" when there is none.
int asset(lua_State* L);

}  // namespace opsh::host
