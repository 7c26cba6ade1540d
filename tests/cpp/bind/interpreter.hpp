#pragma once

#include <memory>
#include <string>

#include "bind/module.hpp"
#include "lua/stack.hpp"

namespace test {

/// A Lua state of its own, with the native modules, `null`, and what the tests say things with:
///
///     same(actual, expected)     raises where it is called unless they are equal
///     caught(f, ...)             the error that f raised; raises when there was none
///     kind_of(f, ...)            its kind
class Interpreter {
 public:
  Interpreter() {
    lua_State* L = state();
    luaL_openlibs(L);
    luaL_newmetatable(L, opsh::lua::error_metatable);
    lua_pop(L, 1);
    opsh::bind::open_all(L);
    lua_getfield(L, LUA_REGISTRYINDEX, opsh::bind::native_modules);
    lua_setglobal(L, "native");
    opsh::lua::push_null(L);
    lua_setglobal(L, "null");
    run(R"(
      function same(actual, expected)
        if actual ~= expected then error(("%q is not %q"):format(tostring(actual), tostring(expected)), 2) end
      end
      function caught(f, ...)
        local fine, problem = pcall(f, ...)
        if fine then error("no error was raised", 2) end
        return problem
      end
      function kind_of(f, ...) return caught(f, ...).kind end
      for name, module in pairs(native) do _G[name:match("[^.]+$")] = module end
    )");
  }

  lua_State* state() { return state_.get(); }

  /// Runs code as the chunk scripts/test.lua; returns the error that it ended with, empty when there was none.
  std::string run(const std::string& code) {
    lua_State* L = state();
    bool failed = luaL_loadbuffer(L, code.data(), code.size(), "@scripts/test.lua") || lua_pcall(L, 0, 0, 0);
    if (!failed) return {};
    if (lua_istable(L, -1)) lua_getfield(L, -1, "message");
    std::string text = lua_isstring(L, -1) ? lua_tostring(L, -1) : "an error without text";
    lua_settop(L, 0);
    return text;
  }

  void define(const char* name, lua_CFunction function) { lua_register(state(), name, function); }

  void define(const char* name, const std::string& text) {
    opsh::lua::push(state(), std::string_view{text});
    lua_setglobal(state(), name);
  }

 private:
  std::unique_ptr<lua_State, decltype(&lua_close)> state_{luaL_newstate(), &lua_close};
};

}  // namespace test
