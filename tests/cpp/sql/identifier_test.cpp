#include "sql/identifier.hpp"

#include <string>

#include "base/error.hpp"
#include "support/catch.hpp"

using opsh::Error;
using opsh::sql::Identifier;
using opsh::sql::parse_qualified_name;
using opsh::sql::QualifiedName;

TEST_CASE("a name is quoted exactly when it needs quotes") {
  CHECK(Identifier{"people_2"}.text() == "people_2");
  CHECK(Identifier{"People"}.text() == "\"People\"");
  CHECK(Identifier{"2nd"}.text() == "\"2nd\"");
  CHECK(Identifier{"a b"}.text() == "\"a b\"");
  CHECK(Identifier{"a\"b; drop"}.text() == "\"a\"\"b; drop\"");
  CHECK(Identifier{"año"}.text() == "\"año\"");
  CHECK(Identifier{"order"}.text() == "\"order\"");
  CHECK(Identifier{"left"}.text() == "\"left\"");
  CHECK(Identifier{"system_user"}.text() == "\"system_user\"");
  CHECK(Identifier{std::string(40000, 'x')}.text().size() == 40002);
}

TEST_CASE("an empty name and a NUL byte are no names") {
  CHECK_THROWS_AS(Identifier{""}, Error);
  CHECK_THROWS_AS(Identifier{std::string("a\0b", 3)}, Error);
}

TEST_CASE("an author's table is read into its parts") {
  CHECK(parse_qualified_name("people") == QualifiedName{"people"});
  CHECK(parse_qualified_name(" App.People ") == QualifiedName{"app", "people"});
  CHECK(parse_qualified_name("\"Odd Name\".x") == QualifiedName{"Odd Name", "x"});
  CHECK(parse_qualified_name("\"a\"\"b.c\".\"D\"") == QualifiedName{"a\"b.c", "D"});
  CHECK(parse_qualified_name("public.order") == QualifiedName{"public", "order"});
  CHECK(parse_qualified_name("user").text() == "\"user\"");
  CHECK(parse_qualified_name("\"Odd Name\".x").text() == "\"Odd Name\".x");
}

TEST_CASE("what is no table name is refused") {
  for (const std::string text :
       {"", " ", "a.b.c", "a b", "a.", ".a", "a;", "a -- x", "'a'", "\"a", "\"\"", "1", "a.*", "U&\"a\"", "$1"}) {
    CAPTURE(text);
    try {
      parse_qualified_name(text);
      FAIL("taken for a name");
    } catch (const Error& error) {
      CHECK(error.kind == "sql.identifier");
    }
  }
}
