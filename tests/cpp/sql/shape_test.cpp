#include "sql/shape.hpp"

#include "base/error.hpp"
#include "sql/parameters.hpp"
#include "support/catch.hpp"

using opsh::sql::Shape;

namespace {

Shape shape(const std::string& sql) {
  const auto statement = opsh::sql::parse_template(sql);
  const std::vector<std::string> values(statement.placeholders().size(), "$1");
  return opsh::sql::shape_of(statement.render(values));
}

/// What each part of a condition pins: "id, o.line; -" of two parts.
std::string pins(const std::string& condition) {
  std::string text;
  for (const auto& part : shape("delete from t where " + condition).conditions) {
    std::string of_part;
    for (const auto& pin : part)
      of_part += (of_part.empty() ? "" : ", ") + (pin.qualifier.empty() ? "" : pin.qualifier + ".") + pin.column;
    text += (text.empty() ? "" : "; ") + (of_part.empty() ? "-" : of_part);
  }
  return text;
}

std::string names(const std::vector<Shape::Source>& sources) {
  std::string text;
  for (const auto& source : sources)
    text += (text.empty() ? "" : ", ") + (source.schema.empty() ? "" : source.schema + ".") + source.name +
            (source.alias.empty() ? "" : " " + source.alias);
  return text;
}

}  // namespace

TEST_CASE("a condition pins the columns that it holds to values which are written out") {
  CHECK(pins("id = 1") == "id");
  CHECK(pins("'a' = o.code") == "o.code");
  CHECK(pins("id in (1, -2, :third)") == "id");
  CHECK(pins("id = any ('{1,2}'::int[]) and line = any (array[1, 2])") == "id; line");
  CHECK(pins("(id, line) in ((1, 2), (3, 4))") == "id, line");
  CHECK(pins("id = 1 or id in (2, 3)") == "id");
  CHECK(pins("id = 1 and line = 2 or id = 3 and line = 4") == "id, line");
}

TEST_CASE("a condition that says more than which values a column has pins nothing") {
  CHECK(pins("id > 1") == "-");
  CHECK(pins("id <> 1 and id not in (1, 2)") == "-; -");
  CHECK(pins("id = other and id = f(1)") == "-; -");
  CHECK(pins("id = 1 or status = 'x'") == "-");
  CHECK(pins("not id = 1") == "-");
  CHECK(pins("id in (select id from other)") == "-");
  CHECK(pins("id between 1 and 2 and status = 'x'") == "-; status");
}

TEST_CASE("the tables of the outermost FROM or USING are told, with their aliases") {
  CHECK(names(shape("update t set a = 1 from s.b as c, d where t.id = c.id").sources) == "s.b c, d");
  CHECK(names(shape("delete from t using b join c x using (id) where true").sources) == "b, c x");
  CHECK(names(shape("insert into t (a) select o.id from o where exists (select from hidden)").sources) == "o");
  CHECK(names(shape("insert into t (a, b) values (1, 2)").sources).empty());
  CHECK(names(shape("select 1 from a left join (b join c on true) on true, (select from e) as f").sources) ==
        "a, b, c");
}

TEST_CASE("a SELECT is plain when each of its rows is one of its FROM") {
  CHECK(shape("select id from t where a = 1 order by id").plain);
  for (const char* sql : {"select distinct id from t", "select max(id) from t group by a", "select id from t limit 1",
                          "with x as (select 1) select id from t", "select 1 union select 2", "values (1)"})
    CHECK_FALSE(shape(sql).plain);
  CHECK(shape("select id from t offset 3").limited);
}

TEST_CASE("what the gate of a batch refuses has no shape") {
  CHECK_THROWS_AS(shape("truncate t"), opsh::Error);
  CHECK_THROWS_AS(shape("with d as (delete from t returning *) select * from d"), opsh::Error);
}
