#include "text/width.hpp"

#include <clocale>
#include <string>

#include "support/catch.hpp"

using opsh::text::fit;
using opsh::text::pad_left;
using opsh::text::pad_right;
using opsh::text::width;

TEST_CASE("width counts columns, not bytes") {
  CHECK(width("") == 0);
  CHECK(width("plain") == 5);
  CHECK(width("señal") == 5);
  CHECK(width("日本語") == 6);
  CHECK(width("한국어") == 6);
  CHECK(width("ｗｉｄｅ") == 8);
  CHECK(width("─┼│") == 3);
}

TEST_CASE("marks and invisible characters take no column") {
  CHECK(width("n\u0303") == 1);
  CHECK(width("a\u0301\u0323b") == 2);
  CHECK(width("a\u200bb") == 2);
  CHECK(width("\u0301") == 0);
  CHECK(width("\u1100\u1161\u11a8") == 2);
}

TEST_CASE("an emoji takes two columns, however many code points it is made of") {
  CHECK(width("🙂") == 2);
  CHECK(width("👍🏽") == 2);
  CHECK(width("👩‍👩‍👧‍👦") == 2);
  CHECK(width("🇪🇸") == 2);
  CHECK(width("🇪🇸🇫🇷") == 4);
  CHECK(width("❤️") == 2);
  CHECK(width("❤") == 1);
  CHECK(width("a🙂b") == 4);
}

TEST_CASE("width does not depend on the locale") {
  std::string before = std::setlocale(LC_ALL, nullptr);
  REQUIRE(std::setlocale(LC_ALL, "C") != nullptr);
  CHECK(width("日本語 señal 🙂") == 15);
  std::setlocale(LC_ALL, before.c_str());
}

TEST_CASE("an invalid byte takes one column and a control character none") {
  CHECK(width("a\xff"
              "b") == 3);
  CHECK(width("\xe6\x97") == 2);
  CHECK(width("a\nb") == 2);
  CHECK(width(std::string_view{"a\0b", 3}) == 2);
}

TEST_CASE("padding counts columns and never cuts") {
  CHECK(pad_right("日本", 6) == "日本  ");
  CHECK(pad_left("日本", 6) == "  日本");
  CHECK(pad_left("12", 5) == "   12");
  CHECK(pad_right("longer", 3) == "longer");
  CHECK(pad_left("longer", 3) == "longer");
  CHECK(pad_right("", 2) == "  ");
}

TEST_CASE("fit leaves text alone that has room") {
  CHECK(fit("exact", 5) == "exact");
  CHECK(fit("日本", 4) == "日本");
  CHECK(fit("", 0) == "");
}

TEST_CASE("fit cuts between characters and marks the cut") {
  CHECK(fit("abcdef", 4) == "abc…");
  CHECK(fit("日本語", 5) == "日本…");
  CHECK(fit("日本語", 4) == "日…");
  CHECK(fit("e\u0301e\u0301e\u0301", 2) == "e\u0301…");
  CHECK(fit("x👩‍👩‍👧‍👦yz", 3) == "x…");
  CHECK(fit("🇪🇸🇫🇷", 3) == "🇪🇸…");
  CHECK(fit("abcdef", 5, "...") == "ab...");
}

TEST_CASE("fit is never wider than it was asked to be") {
  CHECK(fit("abc", 1) == "…");
  CHECK(fit("abc", 0) == "");
  CHECK(fit("日本", 1) == "…");
  CHECK(fit("abcdef", 2, "...") == "ab");
  for (std::size_t columns = 0; columns < 24; ++columns) {
    CHECK(width(fit("señal 日本語 👩‍👩‍👧‍👦 e\u0301 🇪🇸", columns)) <= columns);
  }
}
