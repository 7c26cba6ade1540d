#include "db/witness.hpp"

#include "cpp/journal/fixture.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/peer.hpp"

using opsh::journal::Batch;
using opsh::journal::DeclaredName;
using opsh::journal::Watcher;
using opsh::sql::operator""_sql;
using test::failure;
using test::write;

namespace {

const std::string orders =
    "create table orders (id int primary key, n int not null); insert into orders select g, 0 from generate_series(1, "
    "9) g";

std::shared_ptr<const opsh::journal::Tables> tables_of(opsh::journal::Ledger& ledger, DeclaredName name) {
  return std::make_shared<const opsh::journal::Tables>(ledger.examine({&name, 1}));
}

}  // namespace

TEST_CASE("a witness in another database is found out") {
  test::Run run;
  test::Database other;
  Batch batch{run.ledger, run.claim, {}};
  Watcher same{test::target(run.database)}, elsewhere{test::target(other)};
  same.prove(batch.writer());
  CHECK(same.proved);
  CHECK(failure([&] { elsewhere.prove(batch.writer()); }).kind == "refused.witness");
}

TEST_CASE("the witness sees rows as they were, and those that others have committed meanwhile") {
  test::Run run{orders};
  Batch batch{run.ledger, run.claim, {tables_of(run.ledger, {"orders"}), {}, false}};
  batch.execute(write("update orders set n = 1 where id = 1"), {});
  run.database.query("update orders set n = 2 where id = 2");
  auto seen = run.ledger.watcher().witness.query(test::read("select string_agg(n::text, '' order by id) from orders"));
  CHECK(seen.field(0, 0) == "020000000");
}

TEST_CASE("the witness cannot write") {
  test::Run run{orders};
  auto& witness = run.ledger.watcher().witness;
  CHECK(failure([&] { witness.query(test::read("select nextval('s') from (select 1) x")); }).kind != "passed");
  run.database.query("create sequence s");
  CHECK(failure([&] { witness.query("select pg_catalog.setval('s', 5)"_sql); }).sqlstate == "25006");
}

TEST_CASE("a row that the witness does not see rolls the batch back") {
  test::Run run{orders +
                "; alter table orders enable row level security; alter table orders force row level security; "
                // Only the session that writes has the setting: the witness sees nothing.
                "create policy own on orders using (current_setting('opsh.run', true) <> '')"};
  run.database.query(
      "do $$ begin create role walled login; exception when duplicate_object then null; end $$; "
      "grant all on schema opsh to walled; grant all on all tables in schema opsh to walled; "
      "grant all on orders to walled");
  auto target = test::target(run.database.conninfo() + " user=walled");
  opsh::journal::Ledger ledger{target};
  Batch batch{ledger, run.claim, {tables_of(ledger, {"orders", true}), {}, false}};
  batch.execute(write("update orders set n = 1 where id = 3"), {});
  auto error = failure([&] { batch.record(run.place(), 1, {}, "{}"); });
  CHECK(error.kind == "proof.hidden");
  CHECK(error.message.find("the row 3 of public.orders") != std::string::npos);
}

TEST_CASE("DDL of others that queues between the batch and its witness ends in a lock timeout, not in a standstill") {
  test::Run run{orders};
  Batch batch{run.ledger, run.claim, {tables_of(run.ledger, {"orders"}), {}, false}};
  batch.execute(write("update orders set n = 1 where id = 1"), {});
  std::thread other{[&] { run.database.query("alter table orders add column late int"); }};
  REQUIRE(test::eventually([&] {
    return run.database.value("select count(*) from pg_locks where relation = 'orders'::regclass and not granted") ==
           "1";
  }));
  CHECK(failure([&] { batch.record(run.place(), 1, {}, "{}"); }).kind == "transaction.lock_timeout");
  batch.rollback();
  other.join();
}

TEST_CASE("a batch whose statistics were switched off is refused") {
  test::Run run{orders};
  Batch batch{run.ledger, run.claim, {tables_of(run.ledger, {"orders"}), {}, false}};
  batch.execute("select pg_catalog.set_config('track_counts', 'off', true)"_sql, {});
  batch.execute(write("update orders set n = 1"), {});
  CHECK(failure([&] { batch.record(run.place(), 1, {}, "{}"); }).kind == "proof.counters");
}
