#include "bind/json.hpp"

#include "interpreter.hpp"
#include "support/catch.hpp"

TEST_CASE("a document comes back from Lua as it was") {
  test::Interpreter lua;
  for (const char* document :
       {"{}", "[]", "null", "true", "\"\"", "9007199254740991", "9007199254740993", "-9007199254740993",
        "12345678901234567890", "0.1", "1e400", "-0.0000001234567890123456789", R"([{},[],[[]],{"a":[null]}])",
        R"({"a":1,"b":{"c":[1,2,{"d":null}]}})", R"(["é\u0000\n"])"}) {
    lua.define("document", document);
    CAPTURE(document);
    CHECK(lua.run("same(json.encode(json.decode(document)), document)") == "");
  }
}

TEST_CASE("a number that a double holds is a number in Lua, any other keeps its text") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(json.decode("9007199254740992"), 9007199254740992)
    same(json.decode("9007199254740993").text, "9007199254740993")
    same(json.decode("12345678901234567890").text, "12345678901234567890")
    same(json.decode("1.10"), 1.1)
    same(json.encode(json.decode("1.10")), "1.1")
    same(json.decode("0.1000000000000000055511151231257827").text, "0.1000000000000000055511151231257827")
  )") == "");
}

TEST_CASE("null is opsh.null and keeps its place") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local list = json.decode("[null, 1, null]")
    same(#list, 3)
    same(list[1], null)
    same(list[3], null)
    same(json.decode('{"a": null}').a, null)
    same(json.encode({ a = null }), '{"a":null}')
  )") == "");
}

TEST_CASE("keys are written in order") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(json.encode({ b = 1, a = 2, ["B"] = 3, ["a.b"] = 4 }), '{"B":3,"a":2,"a.b":4,"b":1}')
    local row = setmetatable({ b = 1, a = 2, c = 3 }, { __columns = { "c", "b" } })
    same(json.encode(row), '{"c":3,"b":1,"a":2}')
  )") == "");
}

TEST_CASE("a plain table is an array when it has a first element") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(json.encode({}), "{}")
    same(json.encode({ 1, "two", { 3 } }), '[1,"two",[3]]')
    local object, array = json.metatables()
    same(json.encode(setmetatable({}, array)), "[]")
    same(json.encode(setmetatable({}, object)), "{}")
    same(json.encode({ 1 }, true), "[\n  1\n]")
  )") == "");
}

TEST_CASE("what has no place in JSON is an error") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(kind_of(json.encode, print), "json.value")
    same(kind_of(json.encode, { a = { print } }), "json.value")
    same(kind_of(json.encode, { a = 1, [7] = 2 }), "json.value")
    same(kind_of(json.encode, 0/0), "json.number")
    local loop = {}
    loop.loop = loop
    same(kind_of(json.encode, loop), "json.depth")
  )") == "");
}

TEST_CASE("what is not JSON is an error") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    for _, text in ipairs { "", "{", "[1,]", "01", "nul", "{} {}", '"\255"' } do
      same(kind_of(json.decode, text), "json.syntax")
    end
    same(kind_of(json.decode, ("["):rep(600)), "json.depth")
  )") == "");
}
