#include "sql/excerpt.hpp"

#include <string>

#include "support/catch.hpp"

using opsh::sql::excerpt;
using opsh::sql::line_of;
using opsh::sql::offset_of_position;

TEST_CASE("an excerpt is the line with a caret under the byte") {
  CHECK(excerpt("select 1\nfrm t\nwhere x", 9) == "line 2: frm t\n        ^");
  CHECK(excerpt("select 1\r\nfrm t\r\n", 14) == "line 2: frm t\n            ^");
  CHECK(excerpt("", 0) == "line 1: \n        ^");
  CHECK(excerpt("abc", 99) == "line 1: abc\n           ^");
}

TEST_CASE("a caret counts code points and a tab is one column wide") {
  CHECK(excerpt("\té x", 4) == "line 1:  é x\n           ^");
}

TEST_CASE("a long line is cut round the caret") {
  const std::string line = std::string(300, 'a') + "X" + std::string(300, 'b');
  const std::string shown = excerpt(line, 300);
  const auto end = shown.find('\n');
  CHECK(end < 120);
  CHECK(shown.substr(0, 12) == "line 1: ...a");
  CHECK(shown.substr(end - 4, 4) == "b...");
  CHECK(shown.find('X') == shown.find('^') - end - 1);

  const std::string at_end = excerpt(line, line.size());
  CHECK(at_end.substr(at_end.find('\n') - 1, 1) == "b");
  CHECK(at_end.find('^') - at_end.find('\n') - 1 == at_end.find('\n'));
}

TEST_CASE("a cut never goes through a letter") {
  std::string line;
  for (int i = 0; i < 200; ++i) line += "é";
  const std::string shown = excerpt(line, 200);
  CHECK(shown.find("...é") != std::string::npos);
  CHECK(shown.find("é...") != std::string::npos);
}

TEST_CASE("a line knows its number and its column") {
  const auto line = line_of("a\nbé c", 5);
  CHECK(line.number == 2);
  CHECK(line.column == 3);
  CHECK(line.text == "bé c");
}

TEST_CASE("a position counts characters from one") {
  CHECK(offset_of_position("aéb", 1) == 0);
  CHECK(offset_of_position("aéb", 2) == 1);
  CHECK(offset_of_position("aéb", 3) == 3);
  CHECK(offset_of_position("aéb", 4) == 4);
  CHECK(offset_of_position("aéb", 99) == 4);
}
