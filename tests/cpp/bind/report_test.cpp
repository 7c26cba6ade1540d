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

TEST_CASE("a CSV row tells NULL from empty text and numbers from text") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(report.csv_row({ "a", null, "", "-5", "-5", "x\0y" }, { false, false, false, false, true }),
         "a,,\"\",'-5,-5,x\0y\r\n")
    same(report.csv_row({ 9007199254740991 }, { true }), "9007199254740991\r\n")
    same(report.csv_row({ "=1+1" }), "'=1+1\r\n")
    caught(report.csv_row, { {} })
  )") == "");
}
