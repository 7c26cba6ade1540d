#include "report/table.hpp"

#include <algorithm>
#include <sstream>
#include <string>

#include "base/error.hpp"
#include "support/catch.hpp"
#include "text/width.hpp"

using opsh::report::Align;
using opsh::report::Table;

namespace {

Table cities() {
  Table table{{{"city"}, {"people", Align::right}, {"note"}}};
  table.add({"東京", "14,000,000", "capital"});
  table.add({"Cádiz", "113,000", ""});
  return table;
}

std::size_t widest_line(const std::string& text) {
  std::istringstream lines{text};
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, opsh::text::width(line));
  return widest;
}

}  // namespace

TEST_CASE("columns are aligned by what the terminal shows") {
  CHECK(cities().render() ==
        "city       people  note\n"
        "─────  ──────────  ───────\n"
        "東京   14,000,000  capital\n"
        "Cádiz     113,000\n");
}

TEST_CASE("a table can be plain ASCII, indented, and bold in its header only") {
  Table table{{{"a"}, {"b"}}};
  table.add({"1", "2"});
  CHECK(table.render({.indent = 2, .ascii = true}) == "  a  b\n  -  -\n  1  2\n");
  CHECK(table.render({.ascii = true, .bold_header = true}) == "\x1b[1ma  b\x1b[0m\n-  -\n1  2\n");
}

TEST_CASE("a table without rows is its header") {
  Table table{{{"title"}}};
  CHECK(table.rows() == 0);
  CHECK(table.render() == "title\n─────\n");
}

TEST_CASE("cells and titles cannot send commands to the terminal or break lines") {
  Table table{{{"a\x1b[2J"}}};
  table.add({"x\ny\xff"});
  CHECK(table.render({.ascii = true}) == "a\\x1b[2J\n--------\nx\\ny\\xff\n");
}

TEST_CASE("a table that is too wide is cut in its widest text") {
  Table table{{{"id", Align::right}, {"name"}, {"comment"}}};
  table.add({"123456789", "a name of some length", std::string(200, 'x')});
  auto text = table.render({.width = 60});
  CHECK(widest_line(text) == 60);
  CHECK(text.find("123456789  a name of some length  " + std::string(25, 'x') + "…\n") != std::string::npos);

  text = table.render({.width = 40, .indent = 1, .ascii = true});
  CHECK(widest_line(text) == 40);
  CHECK(text.find(" 123456789  a name of ...  xxxxxxxxxx...\n") != std::string::npos);
}

TEST_CASE("figures are never cut, and text not to nothing") {
  Table table{{{"figure", Align::right}, {"text"}, {"short"}}};
  table.add({"123456789012345678901234567890", "some longer text", "abc"});
  auto text = table.render({.width = 10});
  CHECK(text.find("123456789012345678901234567890  some lo…  abc\n") != std::string::npos);
}

TEST_CASE("cut columns are equally wide, and the table exactly as wide as asked") {
  Table table{{{"a"}, {"b"}, {"c"}}};
  table.add({std::string(90, 'a'), std::string(70, 'b'), std::string(5, 'c')});
  for (std::size_t width = 25; width <= 169; ++width) {
    INFO(width);
    CHECK(widest_line(table.render({.width = width})) == width);
  }
  CHECK(table.render({.width = 170}) == table.render());
}

TEST_CASE("wide characters at the cut do not make a line too wide") {
  Table table{{{"a"}, {"b"}}};
  table.add({"日本語日本語日本語", "日本語日本語日本語"});
  for (std::size_t width = 18; width < 38; ++width) CHECK(widest_line(table.render({.width = width})) <= width);
}

TEST_CASE("a row with another number of cells is refused") {
  Table table{{{"a"}, {"b"}}};
  try {
    table.add({"1"});
    FAIL("nothing was thrown");
  } catch (const opsh::Error& error) {
    CHECK(error.kind == "report.cells");
    CHECK(error.message == "a row of 1 cells for a table of 2 columns");
  }
  CHECK(table.rows() == 0);
}
