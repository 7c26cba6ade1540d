#include "cpp/journal/examined.hpp"
#include "cpp/journal/journaled.hpp"

using opsh::journal::Batch;
using opsh::journal::DeclaredName;
using opsh::journal::Outcome;
using opsh::journal::StatementChanges;
using opsh::journal::Tables;
using test::failure;
using test::Journaled;
using test::write;

namespace {

constexpr const char* schema =
    "create table t (id int primary key, n int, note text);"
    "create table other (id int primary key, t int references t on delete cascade);"
    "insert into t select i, 0 from generate_series(1, 3) i;"
    "insert into other values (1, 1), (2, 2)";

/// A batch that begins with no table declared, as a transaction of the prompt does.
struct Declaring : Journaled {
  explicit Declaring(const std::string& more = "") : Journaled(std::string{schema} + more, {}, true), batch(begin()) {}

  void declare(const std::vector<std::string>& names) {
    std::vector<DeclaredName> declared;
    for (const auto& name : names) declared.push_back({name});
    batch->declare(
        {std::make_shared<const Tables>(opsh::journal::examine_tables(batch->writer(), declared)), {}, true});
  }

  StatementChanges run(const std::string& statement) {
    batch->execute(write(statement), {});
    return batch->last_statement(2);
  }

  std::unique_ptr<Batch> batch;
};

/// "update {1} n 0 5", a line a row.
std::string shown(const StatementChanges& changes) {
  std::string lines;
  for (const auto& row : changes.rows) {
    lines += (lines.empty() ? "" : "\n") + std::string{row.direct ? "" : "indirect "} + row.operation + " {";
    for (const auto& [column, value] : row.key) lines += value;
    lines += "}";
    for (const auto& cell : row.cells)
      lines += " " + cell.column + " " + cell.before.value_or("-") + " " + cell.after.value_or("-");
  }
  return lines;
}

}  // namespace

TEST_CASE("tables that are declared while a batch is open are journaled, and others stay refused") {
  Declaring at;
  CHECK(failure([&] { at.run("update t set n = 1"); }).kind == "write.undeclared");
  at.declare({"t"});
  at.run("update t set n = 1 where id = 1");
  CHECK(failure([&] { at.run("insert into other values (3, 3)"); }).kind == "write.undeclared");
  at.declare({"t", "other"});
  at.run("insert into other values (3, 3)");
  at.commit(*at.batch);
  CHECK(at.journal().find("t update {1} {n} {0} {1}\nother insert {3}") == 0);
}

TEST_CASE("a table that changed its key since a batch wrote it cannot be declared again") {
  Declaring at{
      "; create table parent (id int, part int not null, unique (part), unique (id), check (id > 0));"
      "alter table parent alter id set not null; create table child (unique (part)) inherits (parent)"};
  at.declare({"parent"});
  at.run("insert into parent values (1, 7)");
  auto tables = opsh::journal::examine_tables(at.batch->writer(), std::vector<DeclaredName>{{"parent"}});
  for (auto& leaf : tables.leaves) leaf.key = {0};
  CHECK(failure([&] {
          at.batch->declare({std::make_shared<const Tables>(tables), {}, true});
        }).kind == "transaction.tables_changed");
}

TEST_CASE("what a statement did is told with what the batch had made of the row before") {
  Declaring at;
  at.declare({"t", "other"});
  CHECK(shown(at.run("update t set n = 5 where id = 1")) == "update {1} n 0 5");
  CHECK(shown(at.run("update t set n = n + 1, note = 'x' where id < 3 returning id")) ==
        "update {1} n 5 6 note - x\nupdate {2} n 0 1 note - x");
  CHECK(shown(at.run("insert into t values (9, 1)")) == "insert {9} id - 9 n - 1 note - -");
  CHECK(shown(at.run("insert into t values (9, 2), (10, 2) on conflict (id) do update set n = excluded.n")) ==
        "update {9} n 1 2\ninsert {10} id - 10 n - 2 note - -");
  auto deleted = at.run("delete from t where id = 1");
  CHECK(shown(deleted) == "delete {1} id 1 - n 6 - note x -\nindirect delete {1} id 1 - t 1 -");
  CHECK(deleted.indirect == std::map<std::string, std::uint64_t>{{"public.other", 1}});
  CHECK(shown(at.run("insert into t values (1, 3)")) == "insert {1} id - 1 n - 3 note - -");
  auto all = at.run("update t set n = 0");
  CHECK(all.rows.size() == 2);
  CHECK(all.direct == 5);
  CHECK(all.keys.size() == 5);
}

TEST_CASE("a row that a cascade takes from an undeclared table is refused right behind the statement") {
  Declaring at;
  at.declare({"t"});
  at.batch->savepoint();
  auto error = failure([&] { at.run("delete from t where id = 1"); });
  CHECK(error.kind == "proof.undeclared");
  CHECK(error.message.find("public.other") != std::string::npos);
  at.batch->rollback_to_savepoint();
  at.run("delete from t where id = 3");
  at.commit(*at.batch);
  CHECK(at.database.value("select string_agg(id::text, ',' order by id) from t") == "1,2");
}

TEST_CASE("a row that the witness does not see is refused right behind the statement, and one that it sees is not") {
  for (bool hidden : {true, false}) {
    test::Run run{std::string{schema} +
                  "; alter table t enable row level security; alter table t force row level security; "
                  "create policy own on t using (" +
                  // Only the session that writes has the setting.
                  (hidden ? "current_setting('opsh.run', true) <> ''" : "true") + ")"};
    run.database.query(
        "do $$ begin create role walled login; exception when duplicate_object then null; end $$; "
        "grant all on schema opsh to walled; grant all on all tables in schema opsh to walled; grant all on t to "
        "walled");
    auto target = test::target(run.database.conninfo() + " user=walled");
    opsh::journal::Ledger ledger{target};
    DeclaredName name{"t", true};
    auto tables = std::make_shared<const Tables>(ledger.examine({&name, 1}));
    Batch batch{ledger, run.claim, {tables, {}, true}};
    batch.execute(write("update t set n = 1 where id = 3"), {});
    if (hidden)
      CHECK(failure([&] { batch.last_statement(2); }).kind == "proof.hidden");
    else
      CHECK(shown(batch.last_statement(2)) == "update {3} n 0 1");
  }
}

TEST_CASE("a batch that is waked has both its sessions at work, as the server sees it") {
  for (bool waked : {true, false}) {
    Declaring at;
    at.declare({"t"});
    at.run("update t set n = 1");
    auto now = at.database.value("select clock_timestamp()");
    if (waked) at.batch->wake();
    CHECK(at.database.value("select count(*) from pg_stat_activity where datname = current_database() and "
                            "state = 'idle in transaction' and state_change > '" +
                            now + "'") == (waked ? "2" : "0"));
  }
}

TEST_CASE("a batch whose record was taken back to a savepoint cannot be committed, and can be recorded again") {
  for (bool taken_back : {true, false}) {
    Declaring at;
    at.declare({"t"});
    at.run("update t set n = 1");
    at.batch->savepoint();
    at.batch->record(at.place(1), 1, {}, "{}");
    if (taken_back) {
      at.batch->rollback_to_savepoint();
      CHECK(failure([&] { at.batch->commit(); }).kind == "internal");
      at.batch->rollback();
      CHECK(at.database.value("select sum(n) from t") == "0");
    } else {
      at.batch->release_savepoint();
      CHECK(at.batch->commit() == Outcome::committed);
      CHECK(at.batches() == "1");
    }
  }
}
