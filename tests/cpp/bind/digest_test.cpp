#include "interpreter.hpp"
#include "support/catch.hpp"

TEST_CASE("a digest is over all bytes of a text, NUL included") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(digest.sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    assert(digest.sha256("a\0b") ~= digest.sha256("a\0c"))
  )") == "");
}

TEST_CASE("random digits are two a byte and not the same twice") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    assert(digest.random_hex(16):match("^%x+$"))
    same(#digest.random_hex(16), 32)
    same(digest.random_hex(0), "")
    assert(digest.random_hex(16) ~= digest.random_hex(16))
    caught(digest.random_hex, -1)
  )") == "");
}
