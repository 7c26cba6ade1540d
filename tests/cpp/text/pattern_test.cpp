#include "text/pattern.hpp"

#include <string>

#include "base/error.hpp"
#include "support/catch.hpp"

using opsh::Error;
using opsh::text::Pattern;

TEST_CASE("a pattern matches anywhere in a text, character by character") {
  CHECK(Pattern{"^a.b$"}.matches("añb"));
  CHECK_FALSE(Pattern{"^a.b$"}.matches("añb\n"));
  CHECK(Pattern{"\\d+"}.matches("no 7"));
  CHECK(Pattern{"\\u00f1"}.matches("año"));
  CHECK(Pattern{""}.matches(""));
  CHECK(Pattern{"b"}.matches(std::string{"a\0b", 3}));
}

TEST_CASE("a pattern says where it matches, in bytes") {
  Pattern digits{"[0-9]+"};
  auto first = digits.find("ñ 17 and 42");
  REQUIRE(first);
  CHECK(first->begin == 3);
  CHECK(first->end == 5);
  auto second = digits.find("ñ 17 and 42", first->end);
  REQUIRE(second);
  CHECK(second->begin == 10);
  CHECK_FALSE(digits.find("ñ 17", 5));
}

TEST_CASE("what is no pattern is an error that says where") {
  try {
    Pattern{"a(b"};
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind == "text.pattern");
    CHECK(error.message.find("at character 4") != std::string::npos);
  }
  CHECK_THROWS_AS(Pattern{"\\C"}, Error);
}

TEST_CASE("a pattern that has too many ways to match is an error, and not a pause") {
  CHECK_THROWS_AS(Pattern{"^(([a-z])+.)+[A-Z]([a-z])+$"}.matches(std::string(200, 'a')), Error);
}

TEST_CASE("a long text is matched on the heap, up to a limit that is an error and no crash") {
  CHECK(Pattern{"^(a|b)*$"}.matches(std::string(1 << 16, 'a')));
  CHECK_THROWS_AS(Pattern{"^(a|b)*$"}.matches(std::string(1 << 22, 'a')), Error);
}

TEST_CASE("a text that is not UTF-8 is an error") {
  CHECK_THROWS_AS(Pattern{"."}.matches("\xff"), Error);
}
