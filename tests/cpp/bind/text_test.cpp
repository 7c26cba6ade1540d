#include "interpreter.hpp"
#include "support/catch.hpp"

TEST_CASE("Lua measures and pads text in columns") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(text.width("añ日"), 4)
    same(text.pad_left("é", 3), "  é")
    same(text.pad_right("é", 3), "é  ")
    same(text.fit("abcdef", 4), "abc…")
    same(text.fit("abcdef", 4, "..."), "a...")
    same(text.fit("abcdef", 6, "..."), "abcdef")
  )") == "");
}

TEST_CASE("Lua escapes what acts on a terminal, NUL bytes included") {
  test::Interpreter lua;
  CHECK(lua.run(R"(same(text.printable("a\27[2J\0\n"), "a\\x1b[2J\\x00\\n"))") == "");
}

TEST_CASE("Lua finds what a word was meant to be") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(text.nearest("aply", { "plan", "apply" }), "apply")
    same(text.nearest("xyz", { "plan", "apply" }), nil)
    same(text.nearest("xyz", {}), nil)
  )") == "");
}

TEST_CASE("a width that is no count is an error of the caller") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    for _, columns in ipairs { -1, 2.5, 0/0, 1/0, "x" } do
      assert(caught(text.pad_left, "a", columns):find("bad argument #2", 1, true))
    end
    assert(caught(text.width):find("bad argument #1", 1, true))
  )") == "");
}
