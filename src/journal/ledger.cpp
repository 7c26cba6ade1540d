#include "journal/ledger.hpp"

#include <fmt/format.h>

#include <thread>

#include "base/interrupt.hpp"
#include "journal/rejections.hpp"
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

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional{text};
}

/// Fences the original's own opsh out, and a second undo of it.
void mark_undone(db::Writer& writer, const RunRecord& record) {
  db::Result marked = writer.execute(
      "update opsh.run set undone_by = $2, epoch = epoch + 1 where id = $1 and pruned_at is null and undone_by is not distinct from $3"_sql,
      {{record.undo_of, db::oid::text},
       {record.id, db::oid::text},
       {unless_empty(record.undone_before), db::oid::text}});
  if (marked.affected() == 0)
    throw Error{"run.busy", fmt::format("another undo of run {}, or opsh runs prune, has just begun", record.undo_of),
                "opsh show " + record.undo_of + " names it"};
}

Error no_run(const std::string& run) {
  return Error{"run.unknown", fmt::format("there is no run {} in this database", run), "opsh runs lists them"};
}

}  // namespace

void fence(db::Writer& writer, const Claim& claim) {
  // A guard that a runbook installs (an append-only trigger, say) tells by these two what to let through.
  db::Result row = writer.repeated(
      "select r.epoch, pg_catalog.set_config('opsh.run', r.id, true), pg_catalog.set_config('opsh.rung', "
      "case when r.undo_of is null then 'apply' else 'undo' end, true) from opsh.run as r where r.id = $1 for update"_sql,
      {{claim.run, db::oid::text}});
  if (row.rows() == 0) throw no_run(claim.run);
  if (integer(row, 0, 0) != claim.epoch)
    throw Error{"run.taken_over", fmt::format("another opsh has taken over run {}", claim.run),
                "opsh show " + claim.run + " tells how far it is"};
}

void record_audit(db::Writer& writer, const std::string& run, const AuditHead& head) {
  writer.execute(
      "insert into opsh.audit as a (run, entries, sha256) values ($1, $2, $3) on conflict (run) do update "
      "set entries = excluded.entries, sha256 = excluded.sha256 where a.entries < excluded.entries"_sql,
      {{run, db::oid::text}, {std::to_string(head.entries), db::oid::int8}, {head.sha256, db::oid::text}});
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

Claim Ledger::start(const RunRecord& record, const AuditHead& head) {
  const auto& backend = writer_.backend();
  transaction([&] {
    writer_.execute(
        "insert into opsh.run (id, runbook, title, sources, params, target, operator, version, state, backend_pid, "
        "backend_start, reason, undo_of) values ($1, $2, $3, $4, $5, $6, $7, $8, 'running', $9, "
        "$10::pg_catalog.timestamptz, $11, $12)"_sql,
        Parameters{{record.id, db::oid::text},
                   {record.runbook, db::oid::text},
                   {record.title, db::oid::text},
                   {record.sources, db::oid::jsonb},
                   {record.params, db::oid::jsonb},
                   {record.target, db::oid::jsonb},
                   {record.operator_name, db::oid::text},
                   {record.version, db::oid::text},
                   {std::to_string(backend.pid), db::oid::int4},
                   {backend.started, db::oid::text},
                   {unless_empty(record.reason), db::oid::text},
                   {unless_empty(record.undo_of), db::oid::text}});
    if (!record.undo_of.empty()) mark_undone(writer_, record);
    record_audit(writer_, record.id, head);
  });
  return {record.id, 1};
}

Claim Ledger::claim(const std::string& run, Seconds patience, const AuditHead& head) {
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
    // Behind the lock on the run's row: a log that went on without this one's entry is another opsh's.
    row = writer_.execute("select from opsh.audit as a where a.run = $1 and a.entries >= $2"_sql,
                          {{run, db::oid::text}, {std::to_string(head.entries), db::oid::int8}});
    if (row.rows() > 0)
      throw Error{"run.busy", fmt::format("another opsh has just taken over run {}", run),
                  "opsh show " + run + " tells how far it is"};
    record_audit(writer_, run, head);
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

void Ledger::record_step(const Claim& claim, const StepRecord& record, const AuditHead& head) {
  transaction([&] {
    journal::fence(writer_, claim);
    db::Result made = writer_.execute(
        "insert into opsh.step (run, number, name, planned, writes, journaled, kind) values ($1, $2, $3, $4, $5, $6, "
        "$7) "
        "on conflict do nothing"_sql,
        {{claim.run, db::oid::text},
         {std::to_string(record.number), db::oid::int4},
         {record.name, db::oid::text},
         {record.planned, db::oid::jsonb},
         {record.writes, db::oid::jsonb},
         {record.journaled ? "t" : "f", db::oid::boolean},
         {record.kind, db::oid::text}});
    if (made.affected() == 1 && !record.rejections.empty())
      keep_rejections(writer_, claim.run, record.number, record.rejections);
    record_audit(writer_, claim.run, head);
  });
}

void Ledger::finish_step(const Claim& claim, int number, const AuditHead& head) {
  transaction([&] {
    journal::fence(writer_, claim);
    writer_.execute("update opsh.step set done_at = pg_catalog.clock_timestamp() where run = $1 and number = $2"_sql,
                    {{claim.run, db::oid::text}, {std::to_string(number), db::oid::int4}});
    record_audit(writer_, claim.run, head);
  });
}

void Ledger::record_effects(const Claim& claim, int step, int batch, const std::string& effects,
                            const AuditHead& head) {
  transaction([&] {
    journal::fence(writer_, claim);
    Parameters values{{claim.run, db::oid::text}, {std::to_string(step), db::oid::int4}, {effects, db::oid::jsonb}};
    if (batch == 0) {
      writer_.execute("update opsh.step set effects = $3 where run = $1 and number = $2"_sql, values);
    } else {
      values.add(std::to_string(batch), db::oid::int4);
      writer_.execute(
          "update opsh.batch set figures = figures || pg_catalog.jsonb_build_object('effects', $3::pg_catalog.jsonb) "
          "where run = $1 and step = $2 and number = $4"_sql,
          values);
    }
    record_audit(writer_, claim.run, head);
  });
}

void Ledger::record_incident(const Claim& claim, const std::string& incident, const AuditHead& head) {
  transaction([&] {
    journal::fence(writer_, claim);
    writer_.execute(
        "update opsh.run set incidents = coalesce(incidents, '[]') || "
        "pg_catalog.jsonb_build_array($2::pg_catalog.jsonb) "
        "where id = $1"_sql,
        {{claim.run, db::oid::text}, {incident, db::oid::jsonb}});
    record_audit(writer_, claim.run, head);
  });
}

void Ledger::set_state(const Claim& claim, const std::string& state, const std::string& message, bool finished,
                       const AuditHead& head) {
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
    record_audit(writer_, claim.run, head);
  });
}

void Ledger::close() noexcept {
  writer_.connection().close();
  if (watcher_) watcher_->witness.connection().close();
}

Watcher& Ledger::watcher() {
  if (!watcher_ || watcher_->witness.lost()) watcher_ = std::make_unique<Watcher>(target_);
  return *watcher_;
}

Tables Ledger::examine(std::span<const DeclaredName> names) {
  Tables tables;
  transaction([&] { tables = examine_tables(writer_, names); });
  return tables;
}

std::int64_t Ledger::prune(const std::string& run, Seconds age, const AuditHead& head) {
  std::int64_t rows = 0;
  transaction([&] {
    // Whoever resumes or undoes it has to write into this row first, and what follows sees what was written there.
    if (writer_.execute("select from opsh.run as r where r.id = $1 for update"_sql, {{run, db::oid::text}}).rows() == 0)
      throw no_run(run);
    db::Result marked = writer_.execute(
        "with recursive chain (id) as ("
        "select r.undone_by from opsh.run as r where r.id = $1 union all "
        "select u.undone_by from chain as c join opsh.run as u on u.id = c.id) "
        "update opsh.run set pruned_at = pg_catalog.clock_timestamp() where id = $1 and pruned_at is null "
        "and state <> 'running' "
        "and finished_at <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $2) "
        "and not exists (select from chain as c join opsh.run as u on u.id = c.id "
        "where u.undone_by is null and u.state <> 'done')"_sql,
        {{run, db::oid::text}, {fmt::format("{}", age.count()), db::oid::float8}});
    if (marked.affected() == 0)
      throw Error{"run.busy", fmt::format("run {} goes on, is being undone, or was pruned by another opsh", run),
                  "opsh show " + run + " tells how it stands"};
    db::Result dropped = writer_.execute(
        "with gone as (delete from opsh.journal as j where j.run = $1 returning pg_catalog.cardinality(j.keys) as "
        "rows) "
        "select coalesce(pg_catalog.sum(g.rows), 0)::pg_catalog.int8 from gone as g"_sql,
        {{run, db::oid::text}});
    rows = integer(dropped, 0, 0);
    record_audit(writer_, run, head);
  });
  return rows;
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
