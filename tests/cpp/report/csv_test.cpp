#include "report/csv.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using opsh::report::csv_row;
using opsh::report::CsvField;

namespace {

std::string row(const std::vector<CsvField>& fields) {
  std::string out;
  csv_row(out, fields);
  return out;
}

}  // namespace

TEST_CASE("a row is its fields with commas and a CR LF") {
  CHECK(row({{"id"}, {"name"}}) == "id,name\r\n");
  CHECK(row({{"señal"}, {" spaces "}}) == "señal, spaces \r\n");
}

TEST_CASE("rows are appended") {
  std::string out;
  csv_row(out, std::vector<CsvField>{{"a"}});
  csv_row(out, std::vector<CsvField>{{"b"}});
  CHECK(out == "a\r\nb\r\n");
}

TEST_CASE("NULL and the empty text are told apart") {
  CHECK(row({{std::nullopt}, {""}, {"x"}}) == ",\"\",x\r\n");
}

TEST_CASE("fields that would break the row are quoted") {
  CHECK(row({{"a,b"}, {"say \"hi\""}, {"two\nlines"}, {"cr\rhere"}}) ==
        "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"cr\rhere\"\r\n");
}

TEST_CASE("a text that a spreadsheet would run gets an apostrophe") {
  CHECK(row({{"=1+1"}, {"+1"}, {"-1"}, {"@x"}, {"\tx"}}) == "'=1+1,'+1,'-1,'@x,'\tx\r\n");
  CHECK(row({{"\r=1"}}) == "\"'\r=1\"\r\n");
  CHECK(row({{"=HYPERLINK(\"x\",\"y\")"}}) == "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"\r\n");
  CHECK(row({{"a=b"}, {"1-1"}}) == "a=b,1-1\r\n");
}

TEST_CASE("a number stays a number") {
  CHECK(row({{"-12.50", true}, {"+1", true}, {"NaN", true}}) == "-12.50,+1,NaN\r\n");
}
