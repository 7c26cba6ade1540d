#pragma once

#include <initializer_list>

#include "lua/guard.hpp"

namespace opsh::bind {

/// Registers functions as the module `name`, for the host's `require`. A script cannot reach it.
void module(lua_State* L, const char* name, std::initializer_list<luaL_Reg> functions);

/// The registry table of native modules, by name.
inline constexpr const char* native_modules = "opsh.native";

/// Registers all of them.
void open_all(lua_State* L);

}  // namespace opsh::bind
