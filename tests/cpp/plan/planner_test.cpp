#include "plan/planner.hpp"

#include <stdlib.h>

#include <filesystem>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::db::Parameters;
using opsh::db::Reader;
using opsh::plan::Field;
using opsh::plan::Planner;
using opsh::plan::PlanRequest;
using opsh::plan::Spool;
using opsh::plan::SpoolReader;
using test::failure;

namespace {

/// A database, a reader in it and a place for spools.
class Desk {
 public:
  explicit Desk(const std::string& schema = "select") : reader_((database_.query(schema), test::target(database_))) {
    char pattern[] = "/tmp/opsh-planner-XXXXXX";
    directory_ = ::mkdtemp(pattern);
  }
  ~Desk() { std::filesystem::remove_all(directory_); }

  PlanRequest request(std::vector<std::string> key) const {
    PlanRequest request;
    request.key = std::move(key);
    request.spool = directory_ / "spool";
    return request;
  }

  Planner plan(const std::string& sql, PlanRequest request, const Parameters& parameters = {}) {
    reader_.refresh();
    return Planner{reader_, test::read(sql), parameters, std::move(request)};
  }

  /// Plans to the end; the rows of the spool, fields joined by commas.
  std::vector<std::string> rows(const std::string& sql, PlanRequest request, const Parameters& parameters = {}) {
    auto path = request.spool;
    Planner planner = plan(sql, std::move(request), parameters);
    planner.run();
    planner.finish();
    return spooled(path);
  }

  std::vector<std::string> spooled(const std::filesystem::path& path) const {
    auto spool = Spool::open(path);
    SpoolReader reader{spool, 0};
    std::vector<std::string> rows;
    std::vector<Field> fields;
    while (reader.next(fields)) {
      std::string row;
      for (const auto& field : fields) row += (row.empty() ? "" : ",") + std::string{field.value_or("(null)")};
      rows.push_back(row);
    }
    return rows;
  }

  opsh::Error refusal(const std::string& sql, PlanRequest request) {
    return failure([&] { rows(sql, std::move(request)); });
  }

  bool left_files() const { return !std::filesystem::is_empty(directory_); }
  Reader& reader() { return reader_; }

 private:
  test::Database database_;
  Reader reader_;
  std::filesystem::path directory_;
};

using Rows = std::vector<std::string>;

}  // namespace

TEST_CASE("items come in the server's order of their key") {
  Desk desk;
  CHECK(desk.rows("select * from (values (10, 'a'), (9, 'b'), (100, 'c')) as v(id, name) order by name",
                  desk.request({"id"})) == Rows{"9,b", "10,a", "100,c"});
  CHECK(desk.rows("select * from (values (1.10), (1.9), (-2), ('NaN'::numeric)) as v(id)", desk.request({"id"})) ==
        Rows{"-2", "1.10", "1.9", "NaN"});
}

TEST_CASE("a key of several columns is ordered by them in turn") {
  Desk desk;
  CHECK(desk.rows("select * from (values (2, 'a'), (1, 'b'), (1, 'a'), (2, 'B')) as v(id, \"Odd Name\")",
                  desk.request({"Odd Name", "id"}))
            .size() == 4);
  CHECK(desk.rows("select * from (values (2, 3), (1, 9), (1, 2), (2, 1)) as v(a, b)", desk.request({"a", "b"})) ==
        Rows{"1,2", "1,9", "2,1", "2,3"});
}

TEST_CASE("a key that is NULL is refused, in any of its columns") {
  Desk desk;
  CHECK(desk.refusal("select * from (values (1), (null)) as v(id)", desk.request({"id"})).kind == "plan.key");
  auto error = desk.refusal("select * from (values (1, 2), (1, null)) as v(a, b)", desk.request({"a", "b"}));
  CHECK(error.kind == "plan.key");
  CHECK(error.message.find("(a, b) is NULL") != std::string::npos);
  CHECK_FALSE(desk.left_files());
}

TEST_CASE("a key that repeats is refused, by the server's own equality") {
  Desk desk;
  auto error = desk.refusal("select * from (values (1.0), (2), (1.00)) as v(id)", desk.request({"id"}));
  CHECK(error.kind == "plan.key");
  CHECK(error.message.find("repeats in the plan: 1.0") != std::string::npos);
  CHECK(desk.refusal("select * from (values (1, 2), (1, 2)) as v(a, b)", desk.request({"a", "b"})).kind == "plan.key");
  CHECK(desk.rows("select * from (values (1, 2), (1, 3)) as v(a, b)", desk.request({"a", "b"})).size() == 2);
  CHECK_FALSE(desk.refusal("select * from (values ('a'), ('A'), ('a ')) as v(id)", desk.request({"id"})).kind ==
              "plan.key");
}

TEST_CASE("a key that repeats is found whatever its type, also across two blocks of the cursor") {
  Desk desk;
  for (const char* type : {"int", "bigint", "numeric", "text", "date", "timestamptz", "uuid"}) {
    INFO(type);
    std::string value = std::string_view{type} == "uuid"                  ? "lpad(n::text, 32, '0')::uuid"
                        : std::string_view{type} == "date"                ? "date '2026-01-01' + n"
                        : std::string_view{type}.starts_with("timestamp") ? "to_timestamp(n)"
                                                                          : "(100000 + n)::" + std::string{type};
    auto plan = [&](const std::string& numbers) {
      return "select " + value + " as id, 1 as part from (select " + numbers +
             " as n from generate_series(1, 1200) as i) as numbers";
    };
    CHECK(desk.rows(plan("i"), desk.request({"id"})).size() == 1200);
    auto repeated = plan("case when i = 501 then 500 else i end");
    CHECK(desk.refusal(repeated, desk.request({"id"})).message.find("repeats in the plan: ") != std::string::npos);
    CHECK(desk.refusal(repeated, desk.request({"id", "part"})).kind == "plan.key");
  }
}

TEST_CASE("columns of a key are not taken for one another") {
  Desk desk;
  CHECK(desk.rows("select * from (values (1, 11), (11, 1), (1, 1), (111, 1)) as v(a, b)", desk.request({"a", "b"}))
            .size() == 4);
}

TEST_CASE("a plan without its key's column is refused with the columns that it has") {
  Desk desk;
  auto error = desk.refusal("select 1 as ident, 2 as name", desk.request({"id"}));
  CHECK(error.kind == "plan.key");
  CHECK(error.hint == "its columns are ident, name");
}

TEST_CASE("a plan whose columns share a name is refused") {
  Desk desk;
  auto error = desk.refusal("select 1 as id, 2 as name, 3 as name", desk.request({"id"}));
  CHECK(error.kind == "plan.column");
  CHECK(error.message.find("name") != std::string::npos);
}

TEST_CASE("a key that cannot travel in an array is refused") {
  Desk desk{"create type pair as (a int, b int)"};
  CHECK(desk.refusal("select array[1] as id", desk.request({"id"})).kind == "plan.key");
  CHECK(desk.refusal("select row(1, 2)::pair as id", desk.request({"id"})).kind == "plan.key");
}

TEST_CASE("a plan can go on behind a key") {
  Desk desk;
  auto request = desk.request({"id"});
  request.behind = {"1.50"};
  CHECK(desk.rows("select * from (values (1.5), (2.5), (0.5), (10)) as v(id)", request) == Rows{"2.5", "10"});
  request = desk.request({"a", "b"});
  request.behind = {"1", "x"};
  CHECK(desk.rows("select * from (values (1, 'w'), (1, 'x'), (1, 'y'), (2, 'a')) as v(a, b)", request) ==
        Rows{"1,y", "2,a"});
}

TEST_CASE("a plan with parameters goes on behind a key") {
  Desk desk;
  auto request = desk.request({"id"});
  request.behind = {"3"};
  CHECK(desk.rows("select i as id from generate_series(1, $1) as i where i <> $2", request,
                  Parameters{{"6", 0}, {"5", 0}}) == Rows{"4", "6"});
}

TEST_CASE("a plan's text may end in a comment or a semicolon and begin with WITH") {
  Desk desk;
  for (const char* sql :
       {"select 1 as id -- the end", "select 1 as id;", "select 1 as id; -- done\n ;\n", "select 1 as id /* x */ ;",
        "with w as (select 1 as id) select id from w order by id limit 1", "values (1)"}) {
    INFO(sql);
    CHECK(desk.rows(sql, desk.request({std::string{sql} == "values (1)" ? "column1" : "id"})) == Rows{"1"});
  }
}

TEST_CASE("an error of a plan shows the author's place") {
  Desk desk;
  CHECK(desk.refusal("select 1 as id\nfrom nowhere;", desk.request({"id"})).excerpt ==
        "line 2: from nowhere;\n             ^");
}

TEST_CASE("a column classifies, and labels to be skipped are counted and not spooled") {
  Desk desk;
  auto request = desk.request({"id"});
  request.label_column = "state";
  request.skip = {"aligned"};
  request.totals = {"amount"};
  auto path = request.spool;
  Planner planner = desk.plan(
      "select * from (values (1, 'create', 5), (2, 'aligned', 7), (3, null, 11)) as v(id, state, amount)", request);
  planner.run();
  planner.finish();
  CHECK(desk.spooled(path) == Rows{"1,create,5", "3,(null),11"});
  CHECK(planner.survey().seen() == 3);
  CHECK(planner.survey().items() == 2);
  CHECK(planner.survey().skipped() == 1);
  CHECK(planner.survey().labels().at("aligned") == 1);
  CHECK(planner.survey().totals()[0].sum.text() == "16");
}

TEST_CASE("a plan without a place for its spool is counted, and leaves no file") {
  Desk desk;
  auto request = desk.request({"id"});
  request.spool.clear();
  request.rejections = "/nonexistent/rejected";
  request.reject = {"bad"};
  request.label_column = "part";
  request.totals = {"id"};
  Planner planner = desk.plan("select * from (values (1, 'a'), (2, 'bad'), (3, 'b')) as v(id, part)", request);
  REQUIRE(planner.next());
  planner.add({.label = planner.label()});
  planner.run();
  planner.finish();
  CHECK(planner.survey().items() == 2);
  CHECK(planner.survey().rejected() == 1);
  CHECK(planner.survey().totals()[0].sum.text() == "4");
  CHECK_FALSE(desk.left_files());
}

TEST_CASE("a label column that is not there is refused") {
  Desk desk;
  auto request = desk.request({"id"});
  request.label_column = "state";
  CHECK(desk.refusal("select 1 as id", request).kind == "plan.column");
}

TEST_CASE("a classifier's label and columns are spooled behind the plan's") {
  Desk desk;
  auto request = desk.request({"id"});
  request.skip = {"even"};
  auto path = request.spool;
  Planner planner = desk.plan("select i as id from generate_series(1, 3) as i", request);
  const std::vector<opsh::plan::Column> extra = {{"label", opsh::db::oid::text, opsh::db::oid::text_array, "text"}};
  while (planner.next()) {
    bool even = planner.field(0) == "2";
    std::vector<Field> fields = {even ? "even" : "odd"};
    planner.add({.label = fields[0], .columns = extra, .fields = fields});
  }
  planner.finish();
  CHECK(desk.spooled(path) == Rows{"1,odd", "3,odd"});
  REQUIRE(planner.spooled_columns().size() == 2);
  CHECK(planner.spooled_columns()[1].name == "label");
}

TEST_CASE("a plan without rows is a spool with its columns") {
  Desk desk;
  auto request = desk.request({"id"});
  auto path = request.spool;
  CHECK(desk.rows("select 1::bigint as id, 'x' as name where false", request).empty());
  auto spool = Spool::open(path);
  REQUIRE(spool.columns().size() == 2);
  CHECK(spool.columns()[0].type == opsh::db::oid::int8);
  CHECK(spool.columns()[0].array_type == opsh::db::oid::int8_array);
  CHECK(spool.columns()[1].type_name == "text");
}

TEST_CASE("the plan's own column names do not collide with what judges the key") {
  Desk desk;
  CHECK(desk.rows("select 1 as id, 'c' as \"case\", 2 as opsh_plan, 3 as opsh_order", desk.request({"id"})) ==
        Rows{"1,c,2,3"});
}

TEST_CASE("other statements run on the reader while a plan is walked") {
  Desk desk;
  Planner planner = desk.plan("select i as id from generate_series(1, 2500) as i", desk.request({"id"}));
  int rows = 0;
  while (planner.next()) {
    if (++rows % 500 == 0) CHECK(desk.reader().query(test::read("select 1")).rows() == 1);
    planner.add({});
  }
  CHECK(rows == 2500);
}
