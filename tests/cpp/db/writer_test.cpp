#include "db/writer.hpp"

#include <vector>

#include "cpp/db/commit_key.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/peer.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::db::CommitAnswer;
using opsh::db::Writer;
using opsh::sql::operator""_sql;
using test::commit_key;
using test::failure;

namespace {

std::string ids(const test::Database& database) {
  return database.value("select coalesce(string_agg(id::text, ' ' order by id), '') from t");
}

}  // namespace

TEST_CASE("a writer runs nothing outside a transaction") {
  test::Database database;
  database.query("create table t (id int)");
  Writer writer{test::target(database)};
  CHECK(failure([&] { writer.execute("insert into t values (1)"_sql); }).kind == "session.no_transaction");
  CHECK(failure([&] { writer.query("select 1"_sql); }).kind == "session.no_transaction");
  CHECK(failure([&] { writer.open("select 1"_sql); }).kind == "session.no_transaction");
  CHECK(failure([&] { writer.commit(commit_key()); }).kind == "session.no_transaction");
  CHECK(ids(database).empty());
}

TEST_CASE("what was committed stays and what was rolled back does not") {
  test::Database database;
  database.query("create table t (id int)");
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  CHECK(writer.in_transaction());
  CHECK(writer.execute("insert into t values (1), (2)"_sql).affected() == 2);
  CHECK(writer.commit(commit_key()) == CommitAnswer::committed);
  CHECK_FALSE(writer.in_transaction());
  writer.begin(commit_key());
  writer.execute("insert into t values (3)"_sql);
  writer.rollback();
  writer.rollback();
  CHECK(ids(database) == "1 2");
}

TEST_CASE("a commit after a failed statement answers rolled back") {
  test::Database database;
  database.query("create table t (id int)");
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  writer.execute("insert into t values (1)"_sql);
  CHECK(failure([&] { writer.execute("insert into t values (1/0)"_sql); }).sqlstate == "22012");
  CHECK(writer.doomed());
  CHECK(failure([&] { writer.execute("insert into t values (2)"_sql); }).kind == "sql.doomed");
  CHECK(writer.commit(commit_key()) == CommitAnswer::rolled_back);
  CHECK_FALSE(writer.doomed());
  CHECK(ids(database).empty());
}

TEST_CASE("a commit that a deferred constraint refuses leaves a session that can begin again") {
  test::Database database;
  database.query("create table t (id int unique deferrable initially deferred)");
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  writer.savepoint();
  writer.execute("insert into t values (1), (1)"_sql);
  CHECK(failure([&] { writer.commit(commit_key()); }).kind == "constraint.unique");
  CHECK_FALSE(writer.in_transaction());
  writer.begin(commit_key());
  writer.savepoint();
  writer.execute("insert into t values (2)"_sql);
  writer.release_savepoint();
  CHECK(writer.commit(commit_key()) == CommitAnswer::committed);
  CHECK(ids(database) == "2");
}

TEST_CASE("a commit before which the cursor's next block fails writes nothing and ends the transaction") {
  test::Database database;
  database.query("create table t (id int)");
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  writer.execute("insert into t values (1)"_sql);
  auto cursor = writer.open("select 1 / (750 - i) from generate_series(1, 3000) as i"_sql);
  CHECK(cursor->next().rows() == opsh::db::Cursor::usual_block);
  CHECK(failure([&] { writer.commit(commit_key()); }).sqlstate == "22012");
  writer.begin(commit_key());
  writer.execute("insert into t values (2)"_sql);
  CHECK(writer.commit(commit_key()) == CommitAnswer::committed);
  CHECK(ids(database) == "2");
}

TEST_CASE("a statement of the author that ends the transaction breaks the session and keeps nothing") {
  test::Database database;
  database.query("create table t (id int unique deferrable initially deferred)");
  {
    Writer writer{test::target(database)};
    writer.begin(commit_key());
    CHECK(failure([&] { writer.execute("rollback"_sql); }).kind == "session.broken");
    CHECK(failure([&] { writer.execute("insert into t values (1)"_sql); }).kind == "session.broken");
  }
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  writer.execute("insert into t values (1), (1)"_sql);
  CHECK(failure([&] { writer.execute("commit"_sql); }).kind == "session.broken");
  CHECK(failure([&] { writer.execute("insert into t values (2)"_sql); }).kind == "session.broken");
  CHECK(ids(database).empty());
}

TEST_CASE("savepoints nest and taking one back leaves the outer one") {
  test::Database database;
  database.query("create table t (id int)");
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  writer.execute("insert into t values (1)"_sql);
  writer.savepoint();
  writer.execute("insert into t values (2)"_sql);
  writer.savepoint();
  writer.execute("insert into t values (3)"_sql);
  CHECK(failure([&] { writer.execute("select 1/0"_sql); }).sqlstate == "22012");
  writer.rollback_to_savepoint();
  CHECK_FALSE(writer.doomed());
  writer.savepoint();
  writer.execute("insert into t values (4)"_sql);
  writer.release_savepoint();
  writer.rollback_to_savepoint();
  writer.execute("insert into t values (5)"_sql);
  writer.commit(commit_key());
  CHECK(ids(database) == "1 5");
}

TEST_CASE("a writer that is destroyed in a transaction rolls back") {
  test::Database database;
  database.query("create table t (id int)");
  {
    Writer writer{test::target(database)};
    writer.begin(commit_key());
    writer.execute("insert into t values (1)"_sql);
  }
  database.query("begin; lock table t; commit");
  CHECK(ids(database).empty());
}

TEST_CASE("a writer sees what others committed since it began") {
  test::Database database;
  database.query("create table t (id int)");
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  CHECK(writer.query("select count(*) from t"_sql).field(0, 0) == "0");
  database.query("insert into t values (1)");
  CHECK(writer.query("select count(*) from t"_sql).field(0, 0) == "1");
}

TEST_CASE("a lock that another session holds is waited for no longer than the target says") {
  test::Database database;
  database.query("create table t (id int); insert into t values (1)");
  test::Peer peer{database.conninfo()};
  peer.run("begin; update t set id = 2");
  auto target = test::target(database);
  target.lock_within = opsh::Seconds{0.05};
  Writer writer{target};
  writer.begin(commit_key());
  CHECK(failure([&] { writer.execute("update t set id = 3"_sql); }).kind == "transaction.lock_timeout");
}

TEST_CASE("a statement ends at the target's time limit") {
  test::Database database;
  auto target = test::target(database);
  target.statement_within = opsh::Seconds{0.05};
  Writer writer{target};
  writer.begin(commit_key());
  CHECK(failure([&] { writer.query("select pg_sleep(5)"_sql); }).kind == "transaction.cancelled");
}

TEST_CASE("commits wait for the disk also where the role says otherwise") {
  test::Database database;
  database.query(
      "create role lazy superuser login;"
      "alter role lazy set synchronous_commit = off;"
      "alter role lazy set \"DateStyle\" = 'German';"
      "alter role lazy set bytea_output = 'escape';"
      "alter role lazy set extra_float_digits = -5");
  {
    Writer writer{test::target(database.conninfo() + " user=lazy")};
    writer.begin(commit_key());
    auto shown = writer.query(
        "select current_setting('synchronous_commit'), current_setting('transaction_read_only'), "
        "date '2026-11-21', '\\x00ff'::bytea, 0.1::float8 + 0.2::float8, current_setting('TimeZone')"_sql);
    CHECK(shown.field(0, 0) == "on");
    CHECK(shown.field(0, 1) == "off");
    CHECK(shown.field(0, 2) == "2026-11-21");
    CHECK(shown.field(0, 3) == "\\x00ff");
    CHECK(shown.field(0, 4) == "0.30000000000000004");
    CHECK(shown.field(0, 5) == "UTC");
  }
  database.query("drop role lazy");
}

TEST_CASE("a database or role that is set to read only is left alone") {
  test::Database database;
  database.query(
      "do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end "
      "$$");
  CHECK(failure([&] { Writer{test::target(database)}; }).kind == "refused.read_only");
}

TEST_CASE("notices reach the sink as they arrive") {
  test::Database database;
  database.query(
      "create function talk() returns int language plpgsql as "
      "$$ begin raise notice 'one %', 1; raise warning 'two'; return 3; end $$");
  Writer writer{test::target(database)};
  std::vector<std::string> heard;
  writer.connection().on_notice(
      [&](const opsh::db::Notice& notice) { heard.push_back(notice.severity + ": " + notice.message); });
  writer.begin(commit_key());
  CHECK(writer.query("select talk()"_sql).field(0, 0) == "3");
  CHECK(heard == std::vector<std::string>{"NOTICE: one 1", "WARNING: two"});
}

TEST_CASE("a writer tells its backend as pg_stat_activity shows it") {
  test::Database database;
  Writer writer{test::target(database)};
  auto rows = database.query("set timezone = 'UTC'; select backend_start from pg_stat_activity where pid = " +
                             std::to_string(writer.backend().pid));
  REQUIRE(rows.size() == 1);
  CHECK(rows[0][0] == writer.backend().started);
}
