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
    same(json.decode("0.1000000000000000055511151231257827").text, "0.1000000000000000055511151231257827")
  )") == "");
}

TEST_CASE("a number that nobody changed is spelled as it was") {
  test::Interpreter lua;
  for (const char* document :
       {R"({"a":1.10})", "[1e2,1E+2,100,1.0]", R"([[{"b":{"c":[0.50]}}],7.00])", R"({"z":2.50,"a":{"z":3.50,"b":1}})",
        "[-0,-0.0,0.0,0e5]", "[0.1,0.10]", "[1E400,1e-400]", "[10000000000000000000000]", R"({"":1.0,"\u0000":2.0})"}) {
    lua.define("document", document);
    CAPTURE(document);
    CHECK(lua.run("same(json.encode(json.decode(document)), document)") == "");
  }
}

TEST_CASE("the spelling of a number goes with its value and its place") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local made = json.decode('{"a":1.10,"b":1.20,"c":-0.0,"list":[1.10,2.20,3.30]}')
    made.a = 2.5
    made.b, made.d = nil, made.b
    made.c = 0
    table.remove(made.list, 1)
    same(json.encode(made), '{"a":2.5,"c":0,"d":1.2,"list":[2.2,3.3]}')
    made.a = 1.1
    same(json.encode(made), '{"a":1.10,"c":0,"d":1.2,"list":[2.2,3.3]}')
    made.a = "1.1"
    same(json.encode(made.a), '"1.1"')
  )") == "");
}

TEST_CASE("a copy of a decoded table has neither its spellings nor its order") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local copy = {}
    for name, value in pairs(json.decode('{"b":1.10,"a":2.0}')) do copy[name] = value end
    same(json.encode(copy), '{"a":2,"b":1.1}')
  )") == "");
}

TEST_CASE("a number that a repeated key said before gives nothing to the last one") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(json.encode(json.decode('{"a":1.10,"a":1.1}')), '{"a":1.1}')
    same(json.encode(json.decode('{"a":1.1,"a":1.10}')), '{"a":1.10}')
  )") == "");
}

TEST_CASE("the keys of a decoded object keep their order, with new ones sorted behind those that were not") {
  test::Interpreter lua;
  for (const char* document : {R"({"b":1,"a":2,"c":{"z":[],"y":{}}})", R"([{"b":1,"a":2},{"a":1,"b":2}])",
                               R"({"bb":1,"b":2,"":3,"a\u0000b":4,"a":5})"}) {
    lua.define("document", document);
    CAPTURE(document);
    CHECK(lua.run("same(json.encode(json.decode(document)), document)") == "");
  }
  CHECK(lua.run(R"(
    local made = json.decode('{"d":1,"c":2,"b":3}')
    made.c, made.x, made.a = nil, 5, 6
    same(json.encode(made), '{"d":1,"b":3,"a":6,"x":5}')
    made.c = 7
    same(json.encode(made), '{"d":1,"c":7,"b":3,"a":6,"x":5}')
    made.d, made.b = nil, nil
    same(json.encode(made), '{"c":7,"a":6,"x":5}')
    same(json.encode(json.decode('{"b":1,"a":2,"b":3}')), '{"b":3,"a":2}')
    local names = {}
    for name in pairs(json.decode('{"b":1,"a":2}')) do names[#names + 1] = name end
    same(#names, 2)
    made[7] = true
    same(kind_of(json.encode, made), "json.value")
  )") == "");
}

TEST_CASE("what is kept of a decoded table goes with it") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local kept = json.decode('{"b":1.10,"a":2}')
    local watched = setmetatable({}, { __mode = "k" })
    for _ = 1, 1000 do watched[json.decode('{"b":1.10,"a":[2.0]}')] = true end
    collectgarbage()
    collectgarbage()
    same(next(watched), nil)
    same(json.encode(kept), '{"b":1.10,"a":2}')
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

TEST_CASE("a list of rows is written like its rows one by one") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local shape, other = { __columns = { "c", "b" } }, { __columns = { "x" } }
    local function row(fields) return setmetatable(fields, shape) end
    same(json.encode({ row({ c = 1, b = 2 }), row({}), row({ c = null, z = 4, a = 3, b = { row({ c = 5 }) } }) }),
         '[{"c":1,"b":2},{"c":null,"b":null},{"c":null,"b":[{"c":5,"b":null}],"a":3,"z":4}]')
    same(json.encode({ row({ c = 1 }), setmetatable({ x = 1 }, other), { y = 1 }, "text", row({ b = 2 }) }),
         '[{"c":1,"b":null},{"x":1},{"y":1},"text",{"c":null,"b":2}]')
    same(json.encode({ "text", row({ c = 1 }) }), '["text",{"c":1,"b":null}]')
    same(json.encode({ list = { row({ c = 1 }) }, after = true }), '{"after":true,"list":[{"c":1,"b":null}]}')
    caught(json.encode, { row({ [1] = "a" }) })
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
