#pragma once

#include <new>
#include <utility>

#include "lua/guard.hpp"

namespace opsh::lua {

/// Userdata that owns a C++ object of type T, registered under `name`. The metatable is set only after the object was
/// made, so a constructor that throws leaves nothing to collect.
template <typename T>
struct Object {
  static const char* name;

  template <typename... Arguments>
  static T& make(lua_State* L, Arguments&&... arguments) {
    void* place = lua_newuserdata(L, sizeof(T));
    T* object = new (place) T{std::forward<Arguments>(arguments)...};
    luaL_getmetatable(L, name);
    lua_setmetatable(L, -2);
    return *object;
  }

  static T& check(lua_State* L, int index) { return *static_cast<T*>(luaL_checkudata(L, index, name)); }

  static T* test(lua_State* L, int index) {
    return has_metatable(L, index, name) ? static_cast<T*>(lua_touserdata(L, index)) : nullptr;
  }

  /// Registers the type and its methods (already guarded).
  static void define(lua_State* L, const luaL_Reg* methods) {
    luaL_newmetatable(L, name);
    lua_createtable(L, 0, 8);
    for (auto method = methods; method->name; ++method) {
      lua_pushcfunction(L, method->func);
      lua_setfield(L, -2, method->name);
    }
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, &collect);
    lua_setfield(L, -2, "__gc");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
  }

 private:
  static int collect(lua_State* L) {
    static_cast<T*>(lua_touserdata(L, 1))->~T();
    return 0;
  }
};

}  // namespace opsh::lua
