#pragma once

#include "lua/stack.hpp"

namespace opsh::host {

/// Registers opsh.native.host: load, protect, version.
void open_host(lua_State* L);

/// Registers opsh.native.cli: parse, help.
void open_cli(lua_State* L);

/// Registers opsh.native.input: editor, line.
void open_input(lua_State* L);

/// Registers opsh.native.coverage: follow.
void open_coverage(lua_State* L);

}  // namespace opsh::host
