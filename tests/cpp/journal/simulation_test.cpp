#include "journal/simulation.hpp"

#include <type_traits>

#include "cpp/journal/fixture.hpp"
#include "journal/batch.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/peer.hpp"

using opsh::journal::Batch;
using opsh::journal::Outcome;
using opsh::journal::SimulatedBatch;
using opsh::journal::Simulation;
using opsh::journal::TouchedTable;
using opsh::journal::Traces;
using opsh::journal::Work;
using test::failure;
using test::read;
using test::write;

namespace {

template <class Type>
concept Commits = requires(Type& object) {
  object.commit();
};

// There is no commit in a simulation's types, nor can they get the right to one.
static_assert(Commits<Batch>);
static_assert(!Commits<Simulation> && !Commits<SimulatedBatch> && !Commits<Work>);
static_assert(std::is_convertible_v<opsh::db::CommitKey, opsh::db::BeginKey>);
static_assert(!std::is_constructible_v<opsh::db::CommitKey, opsh::db::BeginKey>);

struct Simulated {
  explicit Simulated(const std::string& schema) : simulation((database.query(schema), test::target(database)), "r1") {}

  Work::Writes writes(std::vector<opsh::journal::DeclaredName> names) {
    SimulatedBatch batch{simulation, {}};
    return {std::make_shared<const opsh::journal::Tables>(examine_tables(batch.writer(), names)), {}, false};
  }

  void keep(SimulatedBatch& batch) {
    batch.record({}, 1, {}, "{}");
    REQUIRE(batch.finish() == Outcome::kept);
  }
  /// Runs the statements as one batch.
  void keep(const Work::Writes& writes, const std::vector<std::string>& statements) {
    SimulatedBatch batch{simulation, writes};
    for (const auto& statement : statements) batch.execute(write(statement), {});
    keep(batch);
  }

  std::string inside(const std::string& sql) {
    return std::string{simulation.writer().query(read(sql)).field(0, 0).value_or("null")};
  }

  test::Database database;
  Simulation simulation;
};

const TouchedTable& table(const Traces& traces, const std::string& name) {
  for (const auto& table : traces.tables)
    if (table.name == name) return table;
  FAIL("nothing is said of " << name);
  return traces.tables.front();
}

/// "inserted updated deleted, dead"
std::string counts(const TouchedTable& table) {
  auto text = [](auto number) { return std::to_string(number); };
  return text(table.kept.inserted) + " " + text(table.kept.updated) + " " + text(table.kept.deleted) + ", " +
         text(table.dead);
}

}  // namespace

TEST_CASE("a simulation shows its batches what earlier ones wrote, and leaves nothing of it") {
  Simulated run{"create table t (id int primary key)"};
  auto writes = run.writes({{"t"}});
  run.keep(writes, {"insert into t values (1)"});
  run.keep(writes, {"insert into t select id + 1 from t"});
  CHECK(run.inside("select count(*) from t") == "2");
  CHECK(run.database.value("select count(*) from t") == "0");
  auto traces = run.simulation.finish();
  CHECK(traces.status == "aborted");
  CHECK(run.database.value("select pg_xact_status('" + traces.transaction + "'::xid8)") == "aborted");
  CHECK(run.database.value("select count(*) from t") == "0");
  CHECK(run.database.value("select count(*) from pg_namespace where nspname = 'opsh'") == "0");
}

TEST_CASE("a simulation that is destroyed is rolled back, and its session gone") {
  test::Database database;
  database.query("create table t (id int primary key)");
  {
    Simulation simulation{test::target(database), "r1"};
    SimulatedBatch batch{simulation,
                         {nullptr, {static_cast<unsigned>(std::stoul(database.value("select 't'::regclass::oid")))}}};
    batch.execute(write("insert into t values (1)"), {});
    batch.record({}, 1, {}, "{}");
    batch.finish();
  }
  CHECK(database.value("select count(*) from t") == "0");
  CHECK(test::eventually([&] {
    return database.value(
               "select count(*) from pg_stat_activity where datname = current_database() and pid <> "
               "pg_backend_pid() and backend_type = 'client backend'") == "0";
  }));
}

TEST_CASE("a simulated batch that is taken back takes only itself back, with all its savepoints") {
  Simulated run{"create table t (id int primary key)"};
  auto writes = run.writes({{"t"}});
  run.keep(writes, {"insert into t values (1)"});
  {
    SimulatedBatch batch{run.simulation, writes};
    batch.execute(write("insert into t values (2)"), {});
    batch.savepoint();
    batch.savepoint();
    CHECK(failure([&] { batch.execute(write("insert into t values (1)"), {}); }).sqlstate == "23505");
  }
  CHECK(run.inside("select string_agg(id::text, ',') from t") == "1");
  run.keep(writes, {"insert into t values (3)"});
  // Also the row that the unique index refused is dead.
  CHECK(counts(table(run.simulation.finish(), "public.t")) == "2 0 0, 4");
}

TEST_CASE("a simulated batch cannot be kept unless its constraints were looked at") {
  Simulated run{"create table t (id int primary key)"};
  SimulatedBatch batch{run.simulation, run.writes({{"t"}})};
  CHECK(failure([&] { batch.finish(); }).kind == "internal");
}

TEST_CASE("a simulated batch in which a statement failed is taken back, even when the script went on") {
  Simulated run{"create table t (id int primary key)"};
  auto writes = run.writes({{"t"}});
  SimulatedBatch batch{run.simulation, writes};
  batch.execute(write("insert into t values (1)"), {});
  CHECK(failure([&] { batch.execute(write("insert into t values (1/0)"), {}); }).sqlstate == "22012");
  CHECK(failure([&] { batch.record({}, 1, {}, "{}"); }).kind == "batch.doomed");
  CHECK_FALSE(batch.open());
  CHECK(run.inside("select count(*) from t") == "0");
}

TEST_CASE("a simulated batch fails on a constraint that its commit would check, and the next one defers it again") {
  Simulated run{
      "create table p (id int primary key); "
      "create table t (id int primary key, p int references p deferrable initially deferred); insert into p values "
      "(1)"};
  auto writes = run.writes({{"t"}, {"p"}});
  for (int attempt = 0; attempt < 2; ++attempt) {
    run.keep(writes, {"delete from t", "delete from p", "insert into t values (1, 2)", "insert into p values (2)"});
    SimulatedBatch batch{run.simulation, writes};
    batch.execute(write("update t set p = 7"), {});
    CHECK(failure([&] { batch.record({}, 1, {}, "{}"); }).sqlstate == "23503");
  }
}

TEST_CASE("a simulated batch runs statements by the rules of a real one") {
  Simulated run{
      "create table t (id int primary key); create table u (id int primary key); create table v (id int); "
      "insert into t values (1)"};
  SimulatedBatch batch{run.simulation, run.writes({{"t"}})};
  CHECK(failure([&] { batch.execute(write("insert into u values (1)"), {}); }).kind == "write.undeclared");
  CHECK(failure([&] { batch.execute(write("update t set id = 2"), {}); }).kind == "write.key");
  for (const char* sql : {"commit", "create table w ()", "truncate t", "rollback",
                          "merge into t using u on true when matched then delete"}) {
    INFO(sql);
    CHECK(failure([&] { batch.execute(write(sql), {}); }).kind == "sql.refused");
  }
  CHECK_FALSE(batch.writer().doomed());
}

TEST_CASE("checks in a simulated batch cannot write, and what comes after them can") {
  Simulated run{"create table t (id int primary key)"};
  auto writes = run.writes({{"t"}});
  SimulatedBatch batch{run.simulation, writes};
  batch.begin_checks();
  CHECK(failure([&] { batch.execute(write("insert into t values (1)"), {}); }).kind == "sql.read_only");
  batch.end_checks();
  batch.execute(write("insert into t values (1)"), {});
  run.keep(batch);
  CHECK(run.inside("select count(*) from t") == "1");
}

TEST_CASE("a guard of the runbook's sees in a simulation which run it is and that it is one") {
  Simulated run{"select"};
  CHECK(run.inside("select current_setting('opsh.run') || ' ' || current_setting('opsh.rung')") == "r1 simulate");
}

TEST_CASE("a simulation counts what triggers and cascades write, and names what no step declares") {
  Simulated run{
      "create table p (id int primary key); create table c (id int primary key, p int references p on delete cascade); "
      "create table log (n int); "
      "create function note() returns trigger language plpgsql as "
      "$$ begin insert into log values (1), (2); return null; end $$; "
      "create trigger note after delete on p for each row execute function note(); "
      "insert into p values (1), (2); insert into c select i, 1 + i % 2 from generate_series(1, 10) as i"};
  run.keep(run.writes({{"p"}, {"c"}}), {"delete from p"});
  auto traces = run.simulation.finish();
  CHECK(counts(table(traces, "public.p")) == "0 0 2, 0");
  CHECK(counts(table(traces, "public.c")) == "0 0 10, 0");
  CHECK_FALSE(table(traces, "public.c").undeclared);
  CHECK(counts(table(traces, "public.log")) == "4 0 0, 4");
  CHECK(table(traces, "public.log").undeclared);
}

TEST_CASE("what a trigger writes is no finding in a step without a journal, which has no proof either") {
  Simulated run{
      "create table t (id int); create table log (n int); create function note() returns trigger language plpgsql as "
      "$$ begin insert into log values (1); return null; end $$; "
      "create trigger note after insert on t for each row execute function note()"};
  auto oid = static_cast<unsigned>(std::stoul(run.database.value("select 't'::regclass::oid")));
  run.keep({nullptr, {oid}}, {"insert into t values (1)"});
  auto traces = run.simulation.finish();
  CHECK(counts(table(traces, "public.log")) == "1 0 0, 1");
  CHECK_FALSE(table(traces, "public.log").undeclared);
}

TEST_CASE("a simulation tells the strongest lock on each table, and which of them an apply refuses") {
  Simulated run{
      "create table t (id int primary key); create table u (id int primary key); create table seen (id int primary "
      "key); "
      "create function empty() returns trigger language plpgsql as $$ begin truncate u; return null; end $$; "
      "create trigger empty after insert on t for each statement execute function empty()"};
  auto writes = run.writes({{"t"}, {"u"}});
  {
    SimulatedBatch batch{run.simulation, writes};
    batch.writer().query(read("select * from seen"));
    run.keep(batch);
  }
  run.keep(writes, {"insert into t values (1)"});
  auto traces = run.simulation.finish();
  CHECK(table(traces, "public.t").lock == "RowExclusiveLock");
  CHECK_FALSE(table(traces, "public.t").forbidden);
  CHECK(table(traces, "public.u").lock == "AccessExclusiveLock");
  CHECK(table(traces, "public.u").forbidden);
  CHECK(traces.tables.size() == 2);
}

TEST_CASE("a simulation names the sequences that it moved, also in attempts that were taken back, and no others") {
  Simulated run{
      "create table t (id int primary key, n serial); create sequence unused; create sequence other; "
      "select nextval('other')"};
  auto writes = run.writes({{"t"}});
  {
    SimulatedBatch batch{run.simulation, writes};
    batch.execute(write("insert into t select i from generate_series(1, 3) as i"), {});
  }
  run.database.query("select nextval('other')");
  auto traces = run.simulation.finish();
  REQUIRE(traces.sequences.size() == 1);
  CHECK(traces.sequences[0].name == "public.t_n_seq");
  CHECK_FALSE(traces.sequences[0].before);
  CHECK(traces.sequences[0].after == "3");
  CHECK(run.database.value("select last_value from t_n_seq") == "3");
}

TEST_CASE("a simulation whose session is lost says that its transaction is aborted") {
  Simulated run{"create table t (id int primary key)"};
  auto writes = run.writes({{"t"}});
  run.keep(writes, {"insert into t values (1)"});
  run.database.query("select pg_terminate_backend(" + std::to_string(run.simulation.writer().backend().pid) + ")");
  CHECK(failure([&] { run.inside("select 1"); }).kind == "connection.lost");
  auto traces = run.simulation.finish();
  CHECK(traces.status == "aborted");
  CHECK(counts(table(traces, "public.t")) == "1 0 0, 0");
  CHECK(run.database.value("select count(*) from t") == "0");
}
