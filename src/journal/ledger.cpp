#include "journal/ledger.hpp"

#include <fmt/format.h>

#include <thread>

#include "base/interrupt.hpp"
#include "journal/schema.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;

using db::Parameters;

std::int64_t integer(const db::Result& result, int row, int column) {
  return std::stoll(std::string{result.field(row, column).value()});
}

// Not to_regclass(): it asks a cache, which is not refreshed after a wait within the transaction.
constexpr sql::HostSql has_schema =
    "select exists (select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace "
    "where n.nspname = 'opsh' and c.relname = 'version')"_sql;

int version_here(db::Writer& writer) {
  if (writer.execute(has_schema).field(0, 0) != "t") return 0;
  db::Result row = writer.execute("select pg_catalog.max(v.version) from opsh.version as v"_sql);
  return row.field(0, 0) ? static_cast<int>(integer(row, 0, 0)) : 0;
}

Error no_run(const std::string& run) {
  return Error{"run.unknown", fmt::format("there is no run {} in this database", run), "opsh runs lists them"};
}

}  // namespace

void fence(db::Writer& writer, const Claim& claim) {
  db::Result row =
      writer.execute("select r.epoch from opsh.run as r where r.id = $1 for update"_sql, {{claim.run, db::oid::text}});
  if (row.rows() == 0) throw no_run(claim.run);
  if (integer(row, 0, 0) != claim.epoch)
    throw Error{"run.taken_over", fmt::format("another opsh has taken over run {}", claim.run),
                "opsh show " + claim.run + " tells how far it is"};
}

template <typename Work>
void Ledger::transaction(Work&& work) {
  writer_.begin(db::CommitKey{});
  try {
    work();
  } catch (...) {
    writer_.rollback();
    throw;
  }
  if (writer_.commit(db::CommitKey{}) != db::CommitAnswer::committed)
    throw Error{"connection.lost", "the connection was lost while the run's state was written", "look at opsh runs"};
}

int Ledger::installed_version() {
  int version = 0;
  transaction([&] { version = version_here(writer_); });
  return version;
}

void Ledger::install(const std::string& version_of_opsh) {
  int version = installed_version();
  if (version == schema_version) return;
  if (version > schema_version)
    throw Error{
        "ledger.version",
        fmt::format("the schema opsh in this database has version {}, this opsh knows {}", version, schema_version),
        "use the newer opsh"};
  transaction([&] {
    // Two first applies at once: the second waits here and then finds the schema.
    writer_.execute("select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('opsh.schema', 0))"_sql);
    version = version_here(writer_);
    for (const auto& statement : schema_statements())
      if (statement.version > version) writer_.execute(statement.sql);
    if (version < schema_version)
      writer_.execute("insert into opsh.version (version, installed_by) values ($1, $2)"_sql,
                      {{std::to_string(schema_version), db::oid::int4}, {version_of_opsh, db::oid::text}});
  });
}

Claim Ledger::start(const RunRecord& record) {
  const auto& backend = writer_.backend();
  transaction([&] {
    writer_.execute(
        "insert into opsh.run (id, runbook, title, sources, params, target, operator, version, state, backend_pid, "
        "backend_start) values ($1, $2, $3, $4, $5, $6, $7, $8, 'running', $9, $10::pg_catalog.timestamptz)"_sql,
        Parameters{{record.id, db::oid::text},
                   {record.runbook, db::oid::text},
                   {record.title, db::oid::text},
                   {record.sources, db::oid::jsonb},
                   {record.params, db::oid::jsonb},
                   {record.target, db::oid::jsonb},
                   {record.operator_name, db::oid::text},
                   {record.version, db::oid::text},
                   {std::to_string(backend.pid), db::oid::int4},
                   {backend.started, db::oid::text}});
  });
  return {record.id, 1};
}

Claim Ledger::claim(const std::string& run, Seconds patience) {
  end_former_session(run, patience);
  const auto& backend = writer_.backend();
  Claim claim{run, 0};
  transaction([&] {
    db::Result row = writer_.execute(
        "update opsh.run set epoch = epoch + 1, state = 'running', message = null, finished_at = null, "
        "backend_pid = $2, backend_start = $3::pg_catalog.timestamptz where id = $1 returning epoch"_sql,
        {{run, db::oid::text}, {std::to_string(backend.pid), db::oid::int4}, {backend.started, db::oid::text}});
    if (row.rows() == 0) throw no_run(run);
    claim.epoch = integer(row, 0, 0);
  });
  return claim;
}

/// The old session may still be inside its last batch, also when its opsh is long dead. By pid and start together: a
/// pid alone may belong to somebody else by now.
void Ledger::end_former_session(const std::string& run, Seconds patience) {
  Deadline gentle = Deadline::in(patience);
  Deadline firm = Deadline::in(patience + Seconds{10});
  bool ended = false;
  for (;;) {
    bool alive = false;
    transaction([&] {
      db::Result row = writer_.execute(
          "select a.pid from opsh.run as r join pg_catalog.pg_stat_activity as a "
          "on a.pid = r.backend_pid and a.backend_start = r.backend_start "
          "where r.id = $1 and a.pid <> pg_catalog.pg_backend_pid()"_sql,
          {{run, db::oid::text}});
      alive = row.rows() > 0;
      if (alive && gentle.passed() && !ended) {
        writer_.execute("select pg_catalog.pg_terminate_backend($1)"_sql,
                        {{std::string{row.field(0, 0).value()}, db::oid::int4}});
        ended = true;
      }
    });
    if (!alive) return;
    if (firm.passed())
      throw Error{"run.busy", fmt::format("the session that worked on run {} is still there and does not end", run),
                  "see its pid in opsh.run and pg_stat_activity"};
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (interrupt::heeded()) throw Error{"interrupted", "interrupted"};
  }
}

void Ledger::record_step(const Claim& claim, int number, const std::string& name, const std::string& planned) {
  transaction([&] {
    journal::fence(writer_, claim);
    writer_.execute(
        "insert into opsh.step (run, number, name, planned) values ($1, $2, $3, $4) on conflict do nothing"_sql,
        {{claim.run, db::oid::text},
         {std::to_string(number), db::oid::int4},
         {name, db::oid::text},
         {planned, db::oid::jsonb}});
  });
}

void Ledger::finish_step(const Claim& claim, int number) {
  transaction([&] {
    journal::fence(writer_, claim);
    writer_.execute("update opsh.step set done_at = pg_catalog.clock_timestamp() where run = $1 and number = $2"_sql,
                    {{claim.run, db::oid::text}, {std::to_string(number), db::oid::int4}});
  });
}

void Ledger::set_state(const Claim& claim, const std::string& state, const std::string& message, bool finished) {
  interrupt::Shield shield;
  transaction([&] {
    journal::fence(writer_, claim);
    writer_.execute(
        "update opsh.run set state = $2, message = $3, "
        "finished_at = case when $4 then pg_catalog.clock_timestamp() end where id = $1"_sql,
        {{claim.run, db::oid::text},
         {state, db::oid::text},
         {message.empty() ? std::nullopt : std::optional{message}, db::oid::text},
         {finished ? "t" : "f", db::oid::boolean}});
  });
}

bool Ledger::committed(const std::string& run, const std::string& token) {
  interrupt::Shield shield;
  bool found = false;
  transaction([&] {
    // Longer than an ordinary lock may take: to give up here leaves the run in doubt.
    writer_.execute("set local lock_timeout = '1min'"_sql);
    writer_.execute("select r.epoch from opsh.run as r where r.id = $1 for update"_sql, {{run, db::oid::text}});
    db::Result row = writer_.execute("select from opsh.batch as b where b.token = $1"_sql, {{token, db::oid::text}});
    found = row.rows() == 1;
  });
  return found;
}

}  // namespace opsh::journal
