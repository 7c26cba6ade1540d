#include "interpreter.hpp"
#include "support/catch.hpp"

TEST_CASE("Lua gets a table with its figures on the right") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local columns = { { title = "name" }, { title = "rows", right = true } }
    local shown = report.table(columns, { { "a", "5" }, { "b\27", "12345" } }, { ascii = true, indent = 2 })
    same(shown, "  name    rows\n  -----  -----\n  a          5\n  b\\x1b  12345\n")
    assert(report.table(columns, {}):find("─", 1, true))
    assert(report.table(columns, {}, { bold_header = true }):find("\27[1m", 1, true))
  )") == "");
}

TEST_CASE("a row that does not fit its columns is an error") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(kind_of(report.table, { { title = "a" } }, { { "1", "2" } }), "report.cells")
    same(kind_of(report.table, { { title = {} } }, {}), "usage.argument")
    same(kind_of(report.table, { { title = "a" } }, {}, { width = -1 }), "usage.argument")
    caught(report.table, { "a" }, {})
    caught(report.table, { { title = "a" } }, { { print } })
  )") == "");
}

TEST_CASE("Lua gets figures as people write them") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(report.number(1234567), "1,234,567")
    same(report.number(-1000), "-1,000")
    same(report.duration(0.82), "820 ms")
    same(report.bytes(1536), "1.5 kB")
    caught(report.number, 1/0)
    caught(report.number, 2^63)
    caught(report.bytes, -1)
  )") == "");
}

TEST_CASE("CSV tells NULL from empty text and numbers from text") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local columns, types = { "n", "t", "at" }, { 20, 25, 17 }
    local row, list = { __columns = columns }, { __columns = columns, __types = types, __is_list = true }
    local function rows(...)
      local made = { ... }
      for _, each in ipairs(made) do setmetatable(each, row) end
      return setmetatable(made, list)
    end
    same(report.csv(rows()), "n,t,at\r\n")
    same(report.csv(rows({ n = 1, t = "a" }, { n = "9007199254740993", t = "" }, { t = "-5" }, { n = -5, t = "=1+1" })),
         "n,t,at\r\n1,a,\r\n9007199254740993,\"\",\r\n,'-5,\r\n-5,'=1+1,\r\n")
    same(report.csv(rows({ t = true, at = "\0x" }, { t = json.decode('{"a":[1,"b"]}') }, { t = null })),
         "n,t,at\r\n,true,\\x0078\r\n,\"{\"\"a\"\":[1,\"\"b\"\"]}\",\r\n,,\r\n")
    caught(report.csv, { { 1 } })
    caught(report.csv, "text")
  )") == "");
}
