#include "journal/batch.hpp"

#include <fmt/format.h>

#include <thread>

#include "cpp/journal/fixture.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/peer.hpp"
#include "support/proxy.hpp"

using opsh::journal::Batch;
using opsh::journal::Ledger;
using opsh::journal::Outcome;
using test::failure;
using test::write;

TEST_CASE("a committed batch leaves its work and exactly one row in the ledger") {
  test::Run run{"create table t (id int)"};
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t")}}};
  CHECK(batch.execute(write("insert into t values ($1)"), {{"5", 0}}).result->affected() == 1);
  auto place = run.place(3);
  place.first_key = {"a\"b", "1"};
  place.last_key = {"c,d", "2"};
  batch.record(place, 7, {{{"x"}, "failed", "23505", "no"}, {{"y"}, "changed", "", ""}}, R"({"made": 1})");
  CHECK(run.batches() == "0");
  CHECK(batch.commit() == Outcome::committed);
  CHECK_FALSE(batch.open());
  auto rows = run.database.query(
      "select run, step, number, position, first_key[1], last_key[1], items, skipped, failed, figures, token "
      "from opsh.batch");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0] == test::Row{"r1", "1", "3", "3", "a\"b", "c,d", "7", "1", "1", "{\"made\": 1}", batch.token()});
  auto left_out = run.database.query("select key, outcome, sqlstate, message from opsh.left_out order by outcome");
  REQUIRE(left_out.size() == 2);
  CHECK(left_out[0] == test::Row{"{y}", "changed", std::nullopt, std::nullopt});
  CHECK(left_out[1] == test::Row{"{x}", "failed", "23505", "no"});
  CHECK(run.database.value("select id from t") == "5");
}

TEST_CASE("a batch that is destroyed without a commit leaves nothing") {
  test::Run run{"create table t (id int)"};
  {
    Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t")}}};
    batch.execute(write("insert into t values (1)"), {});
    batch.record(run.place(), 1, {}, "{}");
  }
  CHECK_FALSE(run.ledger.writer().in_transaction());
  CHECK(run.batches() == "0");
  CHECK(run.database.value("select count(*) from t") == "0");
}

TEST_CASE("a batch in which a statement failed cannot be recorded, even when the script went on") {
  test::Run run{"create table t (id int)"};
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t")}}};
  batch.execute(write("insert into t values (1)"), {});
  CHECK(failure([&] { batch.execute(write("insert into t values (1/0)"), {}); }).sqlstate == "22012");
  CHECK(failure([&] { batch.record(run.place(), 1, {}, "{}"); }).kind == "batch.doomed");
  CHECK_FALSE(batch.open());
  CHECK(run.database.value("select count(*) from t") == "0");
}

TEST_CASE("a failure inside a savepoint that was taken back dooms nothing") {
  test::Run run{"create table t (id int)"};
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t")}}};
  batch.savepoint();
  CHECK(failure([&] { batch.execute(write("insert into t values (1/0)"), {}); }).sqlstate == "22012");
  batch.rollback_to_savepoint();
  batch.execute(write("insert into t values (1)"), {});
  batch.record(run.place(), 1, {}, "{}");
  CHECK(batch.commit() == Outcome::committed);
  CHECK(run.database.value("select count(*) from t") == "1");
}

TEST_CASE("a batch that is not in the ledger cannot be committed") {
  test::Run run{"create table t (id int)"};
  {
    Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t")}}};
    batch.execute(write("insert into t values (1)"), {});
    CHECK(failure([&] { batch.commit(); }).kind == "internal");
  }
  CHECK(run.database.value("select count(*) from t") == "0");
}

TEST_CASE("the same batch of a step cannot be committed twice") {
  test::Run run;
  for (int attempt = 0; attempt < 2; ++attempt) {
    Batch batch{run.ledger, run.claim, {}};
    if (attempt == 0) {
      batch.record(run.place(), 1, {}, "{}");
      batch.commit();
    } else {
      CHECK(failure([&] { batch.record(run.place(), 1, {}, "{}"); }).kind == "constraint.unique");
    }
  }
  CHECK(run.batches() == "1");
}

TEST_CASE("a table that the step does not declare is refused before anything is written") {
  test::Run run{"create table t (id int); create table u (id int)"};
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t")}}};
  for (const char* sql : {"insert into u values (1)", "update public.u set id = 2", "delete from u"}) {
    INFO(sql);
    auto error = failure([&] { batch.execute(write(sql), {}); });
    CHECK(error.kind == "write.undeclared");
    CHECK(error.message.find('u') != std::string::npos);
  }
  batch.execute(write("insert into t select 1 from u"), {});
  batch.execute(write("select * from u for update"), {});
  CHECK_FALSE(batch.writer().doomed());
}

TEST_CASE("a declared table is known under every way to write its name") {
  test::Run run{
      "create table t (id int); create schema app; create table app.\"Odd Name\" (id int); "
      "create table app.t (id int)"};
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t"), run.oid("app.\"Odd Name\"")}}};
  for (const char* sql : {"insert into t values (1)", "insert into public.t values (1)", "insert into T values (1)",
                          "insert into \"t\" values (1)", "update \"public\".\"t\" as x set id = 2",
                          "delete from app.\"Odd Name\" as o where o.id = 1"}) {
    INFO(sql);
    CHECK(failure([&] { batch.execute(write(sql), {}); }).kind == "passed");
  }
  CHECK(failure([&] { batch.execute(write("insert into app.t values (1)"), {}); }).kind == "write.undeclared");
}

TEST_CASE("a table that does not exist is the server's to tell, with the place") {
  test::Run run;
  Batch batch{run.ledger, run.claim, {}};
  auto error = failure([&] { batch.execute(write("insert into nowhere values (1)"), {}); });
  CHECK(error.kind == "sql.undefined_table");
  CHECK(error.excerpt == "line 1: insert into nowhere values (1)\n                    ^");
}

TEST_CASE("checks between record and commit can only read, and the commit goes on") {
  test::Run run{"create table t (id int)"};
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t")}}};
  batch.execute(write("insert into t values (1)"), {});
  batch.record(run.place(), 1, {}, "{}");
  batch.begin_checks();
  CHECK(batch.writer().query(test::read("select count(*) from t")).field(0, 0) == "1");
  CHECK(failure([&] { batch.execute(write("insert into t values (2)"), {}); }).kind == "sql.read_only");
  batch.end_checks();
  CHECK(batch.commit() == Outcome::committed);
  CHECK(run.database.value("select count(*) from t") == "1");
}

TEST_CASE("what fails after record leaves neither work nor ledger row") {
  test::Run run{"create table t (id int)"};
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t")}}};
  batch.execute(write("insert into t values (1)"), {});
  batch.record(run.place(), 1, {}, "{}");
  CHECK(failure([&] { batch.execute(write("insert into t values (1/0)"), {}); }).sqlstate == "22012");
  CHECK(batch.commit() == Outcome::rolled_back);
  CHECK(run.batches() == "0");
  CHECK(run.database.value("select count(*) from t") == "0");
}

namespace {

/// Triggers that make COMMIT itself slow: the first defers what record() made immediate, so that the second fires at
/// the very end.
std::string slow_commit(double seconds) {
  return fmt::format(R"(
create function defer() returns trigger language plpgsql as
  $$ begin set constraints all deferred; return new; end $$;
create function linger() returns trigger language plpgsql as
  $$ begin perform pg_sleep({}); return null; end $$;
create trigger defer before insert on opsh.batch for each row execute function defer();
create constraint trigger linger after insert on opsh.batch deferrable initially deferred
  for each row execute function linger();
)",
                     seconds);
}

}  // namespace

TEST_CASE("a commit that is cut before it happened is in doubt, and the token says no") {
  test::Run run{"create table t (id int)"};
  run.database.query(slow_commit(20));
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t")}}};
  batch.execute(write("insert into t values (1)"), {});
  batch.record(run.place(), 1, {}, "{}");
  int pid = batch.writer().backend().pid;
  std::thread killer{[&] {
    test::eventually([&] {
      return run.database.value(fmt::format(
                 "select count(*) from pg_stat_activity where pid = {} and query = 'commit' and wait_event = 'PgSleep'",
                 pid)) == "1";
    });
    run.database.query(fmt::format("select pg_terminate_backend({})", pid));
  }};
  CHECK(batch.commit() == Outcome::in_doubt);
  killer.join();
  Ledger later{test::target(run.database)};
  CHECK_FALSE(later.committed("r1", batch.token()));
  CHECK(run.batches() == "0");
  CHECK(run.database.value("select count(*) from t") == "0");
}

TEST_CASE("a commit whose answer is lost is in doubt, and the token says yes once it is through") {
  test::Run run{"create table t (id int)"};
  run.database.query(slow_commit(0.7));
  test::Proxy proxy{run.database.conninfo()};
  Ledger ledger{test::target(proxy.conninfo())};
  Batch batch{ledger, run.claim, {nullptr, {run.oid("t")}}};
  batch.execute(write("insert into t values (1)"), {});
  batch.record(run.place(), 1, {}, "{}");
  proxy.mute();
  std::thread network{[&] {
    test::eventually([&] {
      return run.database.value(
                 "select count(*) from pg_stat_activity where query = 'commit' "
                 "and wait_event = 'PgSleep'") == "1";
    });
    proxy.cut();
  }};
  CHECK(batch.commit() == Outcome::in_doubt);
  network.join();
  // The old session is still inside COMMIT: a look without the fence would see nothing.
  CHECK(run.batches() == "0");
  Ledger later{test::target(run.database)};
  CHECK(later.committed("r1", batch.token()));
  CHECK(run.database.value("select count(*) from t") == "1");
}
