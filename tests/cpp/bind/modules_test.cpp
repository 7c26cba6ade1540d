#include "bind/modules.hpp"

#include "interpreter.hpp"
#include "support/catch.hpp"

TEST_CASE("all native modules are registered, each with functions") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local names = {}
    for name, module in pairs(native) do
      names[#names + 1] = name:match("^opsh%.native%.([%w_]+)$")
      for _, member in pairs(module) do same(type(member), "function") end
      assert(next(module), name)
    end
    table.sort(names)
    same(table.concat(names, " "), "audit backup db decimal digest doctor http journal json log names pattern plan proc "
                                       .. "programs report restore sandbox secrets shape simulation sql system text text_file undo")
  )") == "");
}

TEST_CASE("opening the modules leaves the stack and the globals as they were") {
  std::unique_ptr<lua_State, decltype(&lua_close)> state{luaL_newstate(), &lua_close};
  lua_State* L = state.get();
  opsh::bind::open_all(L);
  CHECK(lua_gettop(L) == 0);
  lua_pushnil(L);
  while (lua_next(L, LUA_GLOBALSINDEX)) {
    INFO(lua_tostring(L, -2));
    CHECK(lua_rawequal(L, -1, LUA_GLOBALSINDEX));
    lua_pop(L, 1);
  }
}
