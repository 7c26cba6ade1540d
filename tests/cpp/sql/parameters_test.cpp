#include "sql/parameters.hpp"

#include <string>
#include <vector>

#include "base/error.hpp"
#include "support/catch.hpp"

using opsh::Error;
using opsh::sql::parse_template;
using opsh::sql::Rendered;
using opsh::sql::Template;

namespace {

std::vector<std::string> names(const std::string& sql) {
  std::vector<std::string> found;
  const Template parsed = parse_template(sql);
  for (const auto& placeholder : parsed.placeholders()) {
    found.push_back(placeholder.number == 0 ? placeholder.name : "$" + std::to_string(placeholder.number));
  }
  return found;
}

Rendered rendered(const std::string& sql, const std::vector<std::string>& replacements = {}) {
  return parse_template(sql).render(replacements);
}

std::string kind_of(const std::string& sql) {
  try {
    parse_template(sql);
  } catch (const Error& error) {
    return error.kind;
  }
  return "none";
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a placeholder is a colon directly before a name or a keyword, with its spelling kept") {
  CHECK(names("select :a, :Limit::bigint, :select, :año, $2") == Names{"a", "Limit", "select", "año", "$2"});
}

TEST_CASE("nothing in strings, comments, dollar quotes and quoted identifiers is a placeholder") {
  CHECK(names("select ':a', E'\\':b', $$ :c $1 $$, $x$ :d $x$, \":e\", U&':f' -- :g\n /* :h /* $1 */ :i */").empty());
}

TEST_CASE("casts, assignments and a colon apart from its name are no placeholders") {
  CHECK(names("select x::int, f(a := 1, b => 2), y[1: n], : z, :\"q\", :'s'").empty());
}

TEST_CASE("a placeholder inside a cast chain keeps its own bounds") {
  const Template found = parse_template("select 'é', :x::int");
  REQUIRE(found.placeholders().size() == 1);
  CHECK(found.author_sql().substr(found.placeholders()[0].offset, found.placeholders()[0].length) == ":x");
}

TEST_CASE("an alias after a placeholder is seen, other words are not taken for one") {
  const auto has_alias = [](const std::string& sql) { return parse_template(sql).placeholders().at(0).has_alias; };
  CHECK(has_alias("select * from :items as i"));
  CHECK(has_alias("select * from :items /* c */ i"));
  CHECK(has_alias("select * from :items \"I\""));
  CHECK(has_alias("select * from :items name where true"));
  CHECK_FALSE(has_alias("select * from :items where true"));
  CHECK_FALSE(has_alias("select * from :items join t on true"));
  CHECK_FALSE(has_alias("select * from :items"));
  CHECK_FALSE(has_alias("select * from (select * from :items) i"));
}

TEST_CASE("what must not reach the parser is refused by kind") {
  CHECK(kind_of("select '" + std::string(32 * 1024, 'x') + "'") == "sql.too_long");
  CHECK(kind_of(std::string("select 1\0", 9)) == "sql.nul");
  CHECK(kind_of("select 'open") == "sql.syntax");
  CHECK(kind_of("select $0") == "sql.syntax");
  CHECK(kind_of("select $99999999999") == "sql.syntax");
}

TEST_CASE("an unterminated string is shown where it begins") {
  try {
    parse_template("select 'é',\n  'open");
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.excerpt == "line 2:   'open\n          ^");
  }
}

TEST_CASE("rendering replaces each placeholder and takes the end off the statement") {
  CHECK(rendered("select :a + :b ; -- end\n ;", {"$1", "$2"}).text() == "select $1 + $2");
  CHECK(rendered("/* why */ select 1 /* x */").text() == "/* why */ select 1");
  CHECK(rendered(" -- nothing\n").text().empty());
}

TEST_CASE("a replacement never melts into what stands before it") {
  CHECK(rendered("select:a", {"$1"}).text() == "select $1");
  CHECK(rendered("select 1-:a", {"-1"}).text() == "select 1- -1");
  CHECK(rendered("select f(:a,:b)", {"$1", "$2"}).text() == "select f($1,$2)");
}

TEST_CASE("the number of replacements must be the number of placeholders") {
  CHECK_THROWS_AS(rendered("select :a", {}), Error);
  CHECK_THROWS_AS(rendered("select :a", {std::string("\0", 1)}), Error);
}

TEST_CASE("every rendered byte leads back to what the author wrote") {
  const Rendered r = rendered("select 'é', :long_name as x, y from t", {"$1"});
  CHECK(r.text() == "select 'é', $1 as x, y from t");
  CHECK(r.author_offset(0) == 0u);
  CHECK(r.author_offset(r.text().find("$1")) == r.author_sql().find(":long"));
  CHECK(r.author_offset(r.text().find("$1") + 1) == r.author_sql().find(":long"));
  CHECK(r.author_offset(r.text().find("y from")) == r.author_sql().find("y from"));
  CHECK(r.author_offset(r.text().size()) == r.author_sql().size());
}

TEST_CASE("an error position counts characters, not bytes") {
  const Rendered r = rendered("select 'éé', :a, nme from t", {"$1"});
  const int position = 18;  // n of nme in: select 'éé', $1, nme from t
  CHECK(r.author_offset_of_position(position) == r.author_sql().find("nme"));
  CHECK(r.excerpt_at(position) == "line 1: select 'éé', :a, nme from t\n                         ^");
  CHECK_FALSE(r.author_offset_of_position(0).has_value());
}

TEST_CASE("what the host puts round a statement survives the author's last comment, and leads back to nothing") {
  const Rendered r = rendered("select :a as id -- the id", {"$1"}).wrapped("select * from (", ") as plan order by id");
  CHECK(r.text() == "select * from (select $1 as id\n) as plan order by id");
  CHECK_FALSE(r.author_offset(3).has_value());
  CHECK_FALSE(r.author_offset(r.text().find("plan")).has_value());
  CHECK(r.author_offset(r.text().find("as id")) == r.author_sql().find("as id"));
  CHECK(r.unwrapped().text() == "select $1 as id");
  CHECK(r.unwrapped().author_offset(0) == 0u);
}
