#include "lua/guard.hpp"

#include <stdexcept>

#include "forked.hpp"
#include "interpreter.hpp"
#include "lua/object.hpp"
#include "support/catch.hpp"

using namespace opsh;

namespace {

int destroyed = 0;

struct Witness {
  Witness() = default;
  explicit Witness(bool fails) {
    if (fails) throw Error{"witness.refused", "not made"};
  }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { ++destroyed; }
};

int refuse(lua_State*) {
  Error error{"spool.full", "the spool is full", "make room"};
  error.sqlstate = "53100";
  throw error;
}

int break_down(lua_State*) {
  throw std::out_of_range{"index 7"};
}

int raise_past_witness(lua_State* L) {
  Witness witness;
  return luaL_error(L, "raised in C");
}

int swallow(lua_State* L) {
  try {
    luaL_error(L, "raised in C");
  } catch (...) {
    // What the facts warn of.
  }
  lua_pushliteral(L, "went on");
  return 1;
}

int raise_through_noexcept(lua_State* L) noexcept {
  return luaL_error(L, "raised in C");
}

using WitnessObject = lua::Object<Witness>;

int make_witness(lua_State* L) {
  WitnessObject::make(L, lua_toboolean(L, 1) != 0);
  return 1;
}

void define_witness(test::Interpreter& lua) {
  static const luaL_Reg none[] = {{nullptr, nullptr}};
  WitnessObject::define(lua.state(), none);
  lua.define("make_witness", lua::guarded<make_witness>);
}

}  // namespace

template <>
const char* lua::Object<Witness>::name = "test.witness";

TEST_CASE("an Error arrives in Lua with its fields, the script's line and a traceback") {
  test::Interpreter lua;
  lua.define("refuse", lua::guarded<refuse>);
  CHECK(lua.run(R"(
    local problem = caught(function()
      refuse()
    end)
    same(problem.kind, "spool.full")
    same(problem.message, "the spool is full")
    same(problem.hint, "make room")
    same(problem.sqlstate, "53100")
    same(problem.detail, nil)
    same(problem.where, "scripts/test.lua:3")
    assert(problem.traceback:find("scripts/test.lua:3", 1, true), problem.traceback)
  )") == "");
}

TEST_CASE("any other exception arrives as an internal error") {
  test::Interpreter lua;
  lua.define("break_down", lua::guarded<break_down>);
  CHECK(lua.run(R"(
    local problem = caught(break_down)
    same(problem.kind, "internal")
    same(problem.message, "index 7")
    assert(problem.hint:find("report"), problem.hint)
    assert(problem.traceback)
  )") == "");
}

TEST_CASE("a Lua error passes through guarded as it was raised") {
  test::Interpreter lua;
  lua.define("raise", lua::guarded<raise_past_witness>);
  CHECK(lua.run(R"(same(caught(raise), "raised in C"))") == "");
}

TEST_CASE("lua_error runs the destructors of the C++ frames that it leaves") {
  test::Interpreter lua;
  lua.define("raise", raise_past_witness);
  destroyed = 0;
  CHECK(lua.run("same(caught(raise), 'raised in C')") == "");
  CHECK(destroyed == 1);
}

TEST_CASE("a C++ exception that nobody guards becomes the string C++ exception") {
  test::Interpreter lua;
  lua.define("break_down", break_down);
  CHECK(lua.run("same(caught(break_down), 'C++ exception')") == "");
}

TEST_CASE("catch (...) swallows a Lua error") {
  test::Interpreter lua;
  lua.define("swallow", swallow);
  CHECK(lua.run("same(swallow(), 'went on')") == "");
}

TEST_CASE("lua_error through noexcept ends the process") {
  auto ended = test::forked([] {
    test::Interpreter lua;
    lua.define("raise", raise_through_noexcept);
    lua.run("pcall(raise)");
  });
  CHECK(ended.signal == SIGABRT);
}

TEST_CASE("an object is destroyed once, when it is collected") {
  destroyed = 0;
  {
    test::Interpreter lua;
    define_witness(lua);
    CHECK(lua.run("local witness = make_witness(false)") == "");
    CHECK(lua.run("collectgarbage() collectgarbage()") == "");
    CHECK(destroyed == 1);
  }
  CHECK(destroyed == 1);
}

TEST_CASE("a constructor that throws leaves nothing to collect") {
  destroyed = 0;
  {
    test::Interpreter lua;
    define_witness(lua);
    CHECK(lua.run("same(kind_of(make_witness, true), 'witness.refused') collectgarbage() collectgarbage()") == "");
  }
  CHECK(destroyed == 0);
}

TEST_CASE("a script cannot reach the metatable of an object") {
  test::Interpreter lua;
  define_witness(lua);
  CHECK(lua.run(R"(
    local witness = make_witness(false)
    same(getmetatable(witness), "test.witness")
    caught(setmetatable, witness, {})
  )") == "");
}
