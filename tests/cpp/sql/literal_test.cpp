#include "sql/literal.hpp"

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/server.hpp"

using opsh::sql::Literal;

TEST_CASE("a literal is the text that it was made from, whatever the server makes of backslashes") {
  const std::string text = "it's \\ 'odd' \" $1 :name \n -- /*";
  for (const char* strings : {"on", "off"}) {
    auto rows = test::query(test::server().conninfo(), std::string{"set standard_conforming_strings = "} + strings +
                                                           "; select " + Literal{text}.text());
    CHECK(rows.at(0).at(0) == text);
  }
  CHECK(Literal{-1}.text() == "-1");
}

TEST_CASE("a literal takes no NUL byte") {
  CHECK(test::failure([] { Literal{std::string_view{"a\0b", 3}}; }).kind == "sql.nul");
}
