#include "sql/statements.hpp"

#include <string>

#include "support/catch.hpp"
#include "support/failure.hpp"

using opsh::sql::split;
using opsh::sql::split_file;

namespace {

std::vector<std::string> texts(std::string_view text) {
  std::vector<std::string> list;
  for (const auto& statement : split(text).list) list.push_back(statement.text);
  return list;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a text is ended by a semicolon outside quotes and comments") {
  for (const char* ended : {"select 1;", "select 1; -- more", "select ';' /* ; */ ;\n", "select $a$;$a$;", ";",
                            "select e'\\';';", "select \";\";"})
    CHECK(split(ended).ended);
  for (const char* open : {"select 1", "select ';", "select $a$;", "select 1 -- ;", "select /* ;", "select \";", "",
                           "select (1;", "select u&';"})
    CHECK_FALSE(split(open).ended);
}

TEST_CASE("a text is taken apart at its semicolons") {
  CHECK(texts("select 1; select ';';;") == Texts{"select 1", "select ';'"});
  CHECK(texts("select 1; select 2") == Texts{"select 1", "select 2"});
  CHECK(texts("-- only this") == Texts{});
  CHECK(texts("create rule r as on delete to t do (select 1; select 2);").size() == 1);
}

TEST_CASE("a statement knows its first word and its line") {
  auto found = split("-- a\n(SELECT 1);\n\n Explain select 2;");
  REQUIRE(found.list.size() == 2);
  CHECK(found.list[0].word == "select");
  CHECK(found.list[0].line == 2);
  CHECK(found.list[1].word == "explain");
  CHECK(found.list[1].line == 4);
}

TEST_CASE("what cannot be scanned is ended, so that the gate can say what is wrong") {
  auto found = split("select 123abc");
  CHECK(found.ended);
  CHECK(found.list.at(0).text == "select 123abc");
}

TEST_CASE("a text that is too long for a statement is refused") {
  CHECK(test::failure([] { split(std::string(40000, 'x')); }).kind == "sql.too_long");
}

TEST_CASE("a file of many statements may be longer, and each of them knows its line") {
  std::string file = "-- a migration;\n";
  for (int at = 0; at < 4000; ++at) file += "comment on table t\n  is 'one; two';\n";
  auto found = split_file(file);
  REQUIRE(found.list.size() == 4000);
  CHECK(found.list.back().text == "comment on table t\n  is 'one; two'");
  CHECK(found.list.back().line == 8000);
  CHECK(test::failure([] { split_file(std::string(5 << 20, ' ')); }).kind == "sql.too_long");
}

TEST_CASE("a file that cannot be taken apart is an error, with its line") {
  auto error = test::failure([] { split_file("select 1;\nselect 'open"); });
  CHECK(error.kind == "sql.syntax");
  CHECK(error.excerpt.starts_with("line 2: select 'open"));
}
