#include "base/decimal.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

using opsh::Decimal;

namespace {

Decimal decimal(std::string_view text) {
  auto value = Decimal::parse(text);
  INFO("decimal " << text);
  REQUIRE(value.has_value());
  return *value;
}

std::string sum(std::string_view left, std::string_view right) {
  auto result = decimal(left);
  result += decimal(right);
  return result.text();
}

}  // namespace

TEST_CASE("a decimal is printed as PostgreSQL prints the same numeric") {
  struct Example {
    const char* given;
    const char* printed;
  };
  // The right column was read off a server: select '...'::numeric.
  const Example examples[] = {
      {"-12.50", "-12.50"},
      {"1e3", "1000"},
      {"1E-7", "0.0000001"},
      {"007", "7"},
      {"1.50e1", "15.0"},
      {".5", "0.5"},
      {"5.", "5"},
      {"+4", "4"},
      {"-0", "0"},
      {"-0.00", "0.00"},
      {"0e5", "0"},
      {"1.5e+2", "150"},
      {"nan", "NaN"},
      {"-INF", "-Infinity"},
      {"+infinity", "Infinity"},
      {"0.10", "0.10"},
      {"12e-1", "1.2"},
      {"100e-2", "1.00"},
      {"999999999999999999999.9", "999999999999999999999.9"},
  };
  for (const auto& example : examples) {
    INFO(example.given);
    CHECK(decimal(example.given).text() == example.printed);
  }
}

TEST_CASE("text that is not wholly a number is no decimal") {
  for (std::string_view text :
       {"",   "-",   "+",    ".",   "e3",    "1e",   "1e+",     "1e+-3", "1e1.5",    " 1",
        "1 ", "1,5", "0x10", "--1", "1.2.3", "-nan", "infinit", "1_000", "1e131073", "1e99999999999"}) {
    INFO(text);
    CHECK_FALSE(Decimal::parse(text).has_value());
  }
  CHECK_FALSE(Decimal::parse(std::string_view{"1\0", 2}).has_value());
}

TEST_CASE("decimals compare by value, whatever their scale") {
  CHECK(decimal("1.0") == decimal("1.00"));
  CHECK(decimal("1e3") == decimal("1000.000"));
  CHECK(decimal("-0.0") == decimal("0"));
  CHECK(decimal("0.1") != decimal("0.10000000000000000001"));
  CHECK(decimal("9223372036854775808") > decimal("9223372036854775807"));
  CHECK(decimal("-9223372036854775808") < decimal("-9223372036854775807.99999999999999999999"));
  CHECK(decimal("1e100000") > decimal("1e99999"));
}

TEST_CASE("decimals sort as in PostgreSQL, with NaN above Infinity") {
  const std::vector<std::string> ascending{"-Infinity", "-1e40", "-1e3", "-2",   "-0.5",     "0",  "1e-30",
                                           "0.5",       "2",     "1e3",  "1e40", "Infinity", "NaN"};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      INFO(ascending[i] << " and " << ascending[j]);
      CHECK((decimal(ascending[i]) <=> decimal(ascending[j])) == (i <=> j));
    }
  }
}

TEST_CASE("a sum is exact and keeps the larger scale") {
  CHECK(sum("0.1", "0.2") == "0.3");
  CHECK(sum("1.50", "1.5") == "3.00");
  CHECK(sum("1.50", "-1.5") == "0.00");
  CHECK(sum("9223372036854775807", "1") == "9223372036854775808");
  CHECK(sum("-9223372036854775808", "-1") == "-9223372036854775809");
  CHECK(sum("99999999999999999999", "0.00000000000000000001") == "99999999999999999999.00000000000000000001");
  CHECK(sum("100000000000000000000", "-99999999999999999999") == "1");
  CHECK(sum("1", "-100000000000000000000") == "-99999999999999999999");
  CHECK(sum("-1", "100000000000000000000.5") == "99999999999999999999.5");
}

TEST_CASE("sums with NaN and Infinity follow PostgreSQL") {
  CHECK(sum("NaN", "1") == "NaN");
  CHECK(sum("Infinity", "NaN") == "NaN");
  CHECK(sum("Infinity", "-Infinity") == "NaN");
  CHECK(sum("5", "-Infinity") == "-Infinity");
  CHECK(sum("Infinity", "Infinity") == "Infinity");
}

TEST_CASE("a decimal can be added to itself") {
  auto value = decimal("55555555555555555555.5");
  value += value;
  CHECK(value.text() == "111111111111111111111.0");
}

TEST_CASE("the smallest 64-bit integer survives") {
  Decimal value{std::numeric_limits<std::int64_t>::min()};
  CHECK(value.text() == "-9223372036854775808");
  CHECK(value == decimal("-9223372036854775808"));
}

TEST_CASE("a running total over small values stays exact") {
  Decimal total;
  auto step = decimal("0.01");
  for (int i = 0; i < 1'000'000; ++i) total += step;
  CHECK(total.text() == "10000.00");
}
