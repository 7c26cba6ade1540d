#include "interpreter.hpp"
#include "support/catch.hpp"

TEST_CASE("numbers and numeric texts compare by value, to the last digit") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(decimal.compare(1, "1.00"), 0)
    same(decimal.compare("9007199254740993", "9007199254740992"), 1)
    same(decimal.compare(9007199254740992, "9007199254740993"), -1)
    same(decimal.compare("-0.1", -0.1), 0)
    same(decimal.compare("NaN", 0/0), 0)
    same(decimal.compare("Infinity", 1e300), 1)
    same(decimal.compare(json.decode("12345678901234567890"), "12345678901234567890"), 0)
  )") == "");
}

TEST_CASE("what is no number compares as nil") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(decimal.compare("a", 1), nil)
    same(decimal.compare(1, ""), nil)
    same(decimal.compare(1, null), nil)
    same(decimal.compare(true, 1), nil)
    same(decimal.compare({}, 1), nil)
    same(decimal.compare(1), nil)
  )") == "");
}

TEST_CASE("a sum is exact text") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(decimal.add("0.10", "0.2"), "0.30")
    same(decimal.add("9007199254740992", 1), "9007199254740993")
    same(kind_of(decimal.add, "1", "x"), "usage.value")
    same(kind_of(decimal.add, nil, "1"), "usage.value")
  )") == "");
}
