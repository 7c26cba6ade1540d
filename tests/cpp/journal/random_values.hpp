#pragma once

#include <optional>
#include <random>
#include <string>
#include <vector>

namespace test::random {

/// Chance with a seed: the same on every machine, which the distributions of the standard library are not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <typename Item>
  const Item& pick(const std::vector<Item>& items) {
    return items[below(items.size())];
  }
  const char* pick(std::initializer_list<const char*> items) { return items.begin()[below(items.size())]; }

 private:
  std::mt19937_64 engine_;
};

/// A name or a text as SQL writes it.
inline std::string quoted(const std::string& text, char quote) {
  std::string made{quote};
  for (char character : text) made += character == quote ? std::string(2, quote) : std::string{character};
  return made + quote;
}

/// The parts one after the other. The operands of + are evaluated in the compiler's order, these in theirs: with that,
/// a seed means the same everywhere.
inline std::string in_order(std::initializer_list<std::string> parts) {
  std::string text;
  for (const auto& part : parts) text += part;
  return text;
}

using Text = std::optional<std::string>;

/// A type, with texts that its input function takes; most are there to be mistaken for something else.
struct Type {
  std::string name;
  std::vector<std::string> texts;

  Text value(Dice& dice, unsigned null_percent) const {
    return dice.chance(null_percent) ? std::nullopt : Text{dice.pick(texts)};
  }
  std::string literal(const Text& text) const { return (text ? quoted(*text, '\'') : "null") + "::" + plain(); }
  /// A cast takes no collation.
  std::string plain() const { return name.substr(0, name.find(" collate ")); }
};

inline const char* const type_definitions = R"(
do $$ begin
  create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
exception when feature_not_supported then
  create collation ci from "C";
end $$;
create type mood as enum ('sad', 'so, so', '"happy"', 'NULL');
create type pair as (a integer, "b c" text);
create domain small as integer check (value between -100 and 1000);
create domain numbers as integer[];
)";

/// Fit for a key: equal values of some have different texts, or one text in another guise.
inline const std::vector<Type>& key_types() {
  static const std::vector<Type> types = {
      {"integer", {"-1", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}},
      {"integer", {"1", "2", "3", "4", "5", "6"}},
      {"bigint", {"9007199254740991", "9007199254740992", "9007199254740993", "-9223372036854775808", "0", "7"}},
      {"smallint", {"1", "2", "3", "-32768", "32767"}},
      {"text", {"", " ", "a", "A", "it's", "a\\b", "\"q\"", "NULL", "{x}", "a,b", "ñandú", "日本", "line\nbreak"}},
      {"text collate ci", {"ab", "AB", "Ab", "cd", "cD", "é", "É", ""}},
      {"character varying(8)", {"", "x", "x ", "null", "(a,b)", "a\tb"}},
      {"character(4)", {"", "a", "ab", "a b", "abcd", "\\"}},
      {"name", {"pg", "a b", "\"\""}},
      {"uuid",
       {"00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A12"}},
      {"date", {"infinity", "-infinity", "2024-02-29", "1999-12-31", "0044-03-15 BC"}},
      {"timestamp with time zone", {"infinity", "2024-03-31 02:30:00+01", "2024-03-31 01:30:00.000001+00"}},
      {"interval", {"1 mon", "30 days", "720:00:00", "-1 day +02:03:04", "1 year"}},
      {"numeric", {"1", "1.0", "1.00", "2.5", "NaN", "-0.10", "12345678901234567890.123456789"}},
      {"numeric(6,2)", {"1", "1.5", "-2.25", "9999.99"}},
      {"double precision", {"0", "-0", "NaN", "Infinity", "-Infinity", "0.1", "0.30000000000000004", "1e-300"}},
      {"boolean", {"t", "f"}},
      {"bytea", {"\\x", "\\x00", "\\xdeadbeef", "\\x5c27", "\\x22"}},
      {"mood", {"sad", "so, so", "\"happy\"", "NULL"}},
      {"small", {"-100", "0", "1", "2", "1000"}},
      {"int4range", {"empty", "[1,5)", "(,3)", "[2,)", "(,)"}},
      {"jsonb", {"null", "1", "1.0", "\"\"", "{\"a\": null}", "[]", "{}"}},
      {"inet", {"127.0.0.1", "10.0.0.0/8", "::1"}},
      {"bit(3)", {"000", "101", "111"}},
      {"\"char\"", {"a", "b", "\\"}},
  };
  return types;
}

/// Fit for a column only: they have no equality that a key could use, or do not travel as an array.
inline const std::vector<Type>& column_types() {
  static const std::vector<Type> types = [] {
    std::vector<Type> all = key_types();
    for (const Type& type : std::vector<Type>{
             {"pair", {"(1,x)", "(,)", "(2,\"a,b\")", "(3,\"\"\"\")"}},
             {"integer[]", {"{}", "{1,2}", "{NULL}", "[2:3]={1,2}", "{{1},{2}}"}},
             {"text[]", {"{}", "{\"\"}", "{NULL,\"NULL\"}", "{\"a,b\",\"\\\"\"}"}},
             {"numbers", {"{}", "{1,2}", "[0:1]={1,2}"}},
             {"json", {"null", "{\"b\":1,  \"a\" : 2, \"b\":3}", "[ ]", "\"\\u00e9\""}},
             {"point", {"(1,2)", "(0.1,-0)"}},
             {"money", {"$1.00", "-$1,234.56"}},
             {"real", {"0.1", "NaN", "1e-40", "16777217"}},
             {"bit varying", {"", "1", "0101"}},
             {"tsvector", {"", "'a':1 'it''s':2A"}},
             {"tstzrange", {"empty", "[2024-01-01 00:00+00,infinity)", "(,)"}},
             {"int4multirange", {"{}", "{[1,3),[5,9)}"}},
             {"pair[]", {"{}", "{\"(1,x)\",NULL}", "{\"(2,\\\"a,b\\\")\"}"}},
             {"jsonb[]", {"{}", "{\"null\",NULL,\"{\\\"a\\\": 1}\"}"}},
             {"character(3)", {"", "a", "a b"}},
             {"time with time zone", {"24:00:00+00", "01:02:03.000004-15:59"}},
             {"oid", {"0", "4294967295"}},
         })
      all.push_back(type);
    return all;
  }();
  return types;
}

}  // namespace test::random
