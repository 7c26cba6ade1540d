#include "sql/outline.hpp"

#include "support/catch.hpp"

using opsh::sql::Outline;
using opsh::sql::outline;
using opsh::sql::parse_template;
using opsh::sql::StatementKind;

namespace {

Outline outlined(const char* text) {
  return outline(parse_template(text));
}

std::vector<std::string> names(const std::vector<Outline::Name>& functions) {
  std::vector<std::string> list;
  for (const auto& each : functions) list.push_back(each.name);
  return list;
}

}  // namespace

TEST_CASE("an outline has the columns of a query, unless the text does not name them") {
  using List = std::vector<std::string>;
  CHECK(outlined("select a.id, b.x::text, count(*), 1 as one from a, b").columns == List{"id", "x", "count", "one"});
  CHECK(outlined("select id from a union select other from b").columns == List{"id"});
  CHECK_FALSE(outlined("select a.*, 1 as one from a").columns);
  CHECK_FALSE(outlined("select case when x then 1 end from a").columns);
}

TEST_CASE("an outline has the target of a write, where it stands") {
  const Outline found = outlined("update only app.orders as o set a = 1");
  CHECK(found.kind == StatementKind::update);
  CHECK(found.target.schema == "app");
  CHECK(found.target.name == "orders");
  CHECK(found.target_offset == 12);
  CHECK_FALSE(found.has_where);
  CHECK(outlined("delete from a where true").has_where);
}

TEST_CASE("an outline tells placeholders of the SET list from those that limit an update") {
  CHECK(outlined("update a set b = :b, c = (select max(x) from :items as i) where id = :id").assigning ==
        std::vector<std::size_t>{0, 1});
  CHECK(outlined("update a set b = b is distinct from :b from :items as i where a.id = i.id").assigning ==
        std::vector<std::size_t>{0});
  CHECK(
      outlined("with i as (select * from :items as i) update a set b = 1 from i where a.id = i.id").assigning.empty());
}

TEST_CASE("an outline counts what INSERT lists and gives") {
  const Outline values = outlined("insert into a (x, y) values (1, 2, 3)");
  CHECK(values.inserted == 2u);
  CHECK(values.given == 3u);
  CHECK_FALSE(outlined("insert into a (x, y) select b.* from b").given);
  CHECK_FALSE(outlined("insert into a (x) values (1) union select 2").given);
  CHECK(outlined("insert into a (x) select y from b").has_from);
}

TEST_CASE("an outline names functions, fields and comparisons with null as the author wrote them") {
  const Outline found =
      outlined("select i.x, pg_catalog.now(), CURRENT_DATE from :items i where i.y = null or i.z is null");
  CHECK(names(found.functions) == std::vector<std::string>{"now", "current_date"});
  REQUIRE(found.fields.size() == 3);
  CHECK(found.fields[0].relation == "i");
  CHECK(found.fields[0].offset == 7);
  REQUIRE(found.relations.size() == 1);
  CHECK(found.relations[0].placeholder == "items");
  CHECK(found.relations[0].alias == "i");
  CHECK(found.null_comparisons.size() == 1);
}

TEST_CASE("what cannot be parsed has an empty outline") {
  CHECK_FALSE(outlined("selct 1").kind);
  CHECK_FALSE(outlined("begin").kind);
  CHECK_FALSE(outlined("select 1; select 2").kind);
}
