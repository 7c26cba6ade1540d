#include "sql/statement.hpp"

#include <concepts>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "sql/gate.hpp"
#include "sql/parameters.hpp"
#include "support/catch.hpp"

using namespace opsh::sql;

// What must not compile: a statement from text that is known only at run time, and a write where a read is wanted.
static_assert(!std::constructible_from<ReadSql, std::string>);
static_assert(!std::constructible_from<ReadSql, const char*>);
static_assert(!std::constructible_from<WriteSql, std::string>);
static_assert(!std::constructible_from<ReadSql, Rendered>);
static_assert(!std::constructible_from<ReadSql, WriteSql>);
static_assert(!std::constructible_from<ReadPiece, WriteSql>);
static_assert(!std::constructible_from<ReadPiece, std::string>);

namespace {

Rendered rendered(const std::string& sql) {
  return parse_template(sql).render({});
}

std::size_t length_of(const ReadSql& sql) {
  return sql.text().size();
}

}  // namespace

TEST_CASE("host text is a statement and leads back to no author") {
  const ReadSql sql{"select pg_backend_pid()"};
  CHECK(sql.text() == "select pg_backend_pid()");
  CHECK_FALSE(sql.locate(3).has_value());
  CHECK(sql.excerpt_at(3).empty());
  CHECK(length_of({"select 1"}) == 8);
  CHECK_FALSE(WriteSql{"create schema opsh"}.operation().has_value());
}

TEST_CASE("a gated statement leads back to the author's text") {
  const ReadSql sql = gate_read(rendered("-- é\nselect nme from t").wrapped("select * from (", ") as plan"));
  const int position = static_cast<int>(std::string("select * from (-- x\nselect n").size());
  CHECK(sql.locate(position) == std::string("-- é\nselect ").size());
  CHECK(sql.excerpt_at(position) == "line 2: select nme from t\n               ^");
  CHECK_FALSE(sql.locate(1).has_value());
}

TEST_CASE("pieces are joined as they are, names quoted, and keep the way back to the author") {
  const Identifier column{"odd \"name"};
  const QualifiedName table{"app", "people"};
  const Parameter limit{2};
  const ReadSql author = gate_read(rendered("select nme from t ;"));
  const ReadSql whole = compose_read({"select ", column, " from ", table, " where id in (", author, ") limit ", limit});
  CHECK(whole.text() == "select \"odd \"\"name\" from app.people where id in (select nme from t) limit $2");
  CHECK(whole.locate(static_cast<int>(whole.text().find("nme")) + 1) == 7u);
  CHECK_FALSE(whole.locate(1).has_value());
  CHECK_FALSE(whole.locate(static_cast<int>(whole.text().size())).has_value());
}

TEST_CASE("a composed write keeps what the author's statement does") {
  const WriteSql author = gate_write(rendered("update app.people as p set a = 1"));
  const Identifier alias{author.operation()->alias};
  const WriteSql whole = compose_write({author, " returning ", alias, ".tableoid"});
  CHECK(whole.text() == "update app.people as p set a = 1 returning p.tableoid");
  REQUIRE(whole.operation());
  CHECK(whole.operation()->kind == StatementKind::update);
  CHECK(whole.operation()->schema == "app");
  CHECK_THROWS_AS(compose_write({author, author}), opsh::Error);
}

TEST_CASE("a composed list may be built at run time from names") {
  const std::vector<Identifier> columns{Identifier{"a"}, Identifier{"order"}};
  std::vector<ReadPiece> pieces{"select "};
  for (const auto& column : columns) {
    if (pieces.size() > 1) pieces.push_back(", ");
    pieces.push_back(column);
  }
  CHECK(compose(pieces).text() == "select a, \"order\"");
}
