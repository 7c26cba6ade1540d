#include "sql/column_use.hpp"

#include "support/catch.hpp"

using opsh::sql::parse_template;
using opsh::sql::used_columns;

namespace {

/// Of the columns id, name, note and item those that are used of :items.
std::string used(const std::string& sql) {
  const auto statement = parse_template(sql);
  const std::vector<std::string> columns{"id", "name", "note", "item"};
  std::string text;
  for (const auto& placeholder : statement.placeholders()) {
    if (placeholder.name != "items") continue;
    const auto found = used_columns(statement, placeholder, columns);
    for (std::size_t at = 0; at < columns.size(); ++at)
      if (found[at]) text += (text.empty() ? "" : " ") + columns[at];
    return text;
  }
  return "no relation";
}

const std::string all = "id name note item";

}  // namespace

TEST_CASE("a column that a statement does not name is not used") {
  CHECK(used("select i.id from :items as i") == "id");
  CHECK(used("select count(*) from :items") == "");
  CHECK(used("update t set a = i.name from :items i where t.id = i.id") == "id name");
  CHECK(used("insert into t (name, note) select i.id, :note from :items as i join :made as m using (id)") == "id");
}

TEST_CASE("a column is used wherever a statement may mean it") {
  CHECK(used("select name from :items as i, t") == "name");
  CHECK(used("select from :items as i join t using (note)") == "note");
  CHECK(used("select from :items as i where exists (select from t where t.a = lower(name))") == "name");
  CHECK(used("select t.note from :items as i, t") == "note");
  CHECK(used("select i.item.street from :items as i") == "item");
  CHECK(used("select (item).street from :items as i") == "item");
  CHECK(used("select I.\"note\" from :items as I order by NAME") == "name note");
  CHECK(used("with chosen as (select note from :items) select i.id from :items as i, chosen") == "id note");
}

TEST_CASE("all columns are used by a statement that takes rows whole") {
  CHECK(used("select * from :items") == all);
  CHECK(used("select i.* from :items as i") == all);
  CHECK(used("select to_jsonb(i) from :items as i") == all);
  CHECK(used("select (i).id from :items as i") == all);
  CHECK(used("select i from :items as i") == all);
  CHECK(used("select count(items) from :items") == all);
  CHECK(used("select item from :items as item") == all);
  CHECK(used("select i.length from :items as i") == all);
  CHECK(used("select 1 from t where exists (select * from :items)") == all);
}

TEST_CASE("all columns are used by a statement that takes them by position or by what another table has") {
  CHECK(used("select a from :items as i (a, b)") == all);
  CHECK(used("select 1 from :items as i natural join t") == all);
  CHECK(used("select j.id from (:items as i cross join t) as j") == all);
  CHECK(used("insert into t (a, b, c, d) :items") == all);
  CHECK(used("select 1 where 1 in :items") == all);
  CHECK(used("select 1, :items as i") == all);
  CHECK(used("table :items") == all);
}

TEST_CASE("all columns are used by a statement that cannot be parsed") {
  CHECK(used("select i.id frm :items as i") == all);
}
