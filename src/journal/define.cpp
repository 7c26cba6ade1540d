#include <fmt/format.h>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "journal/definitions.hpp"
#include "journal/ledger.hpp"
#include "journal/work.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;

std::string lock_timeout(db::Writer& writer) {
  return std::string{
      *writer.execute("select s.setting from pg_catalog.pg_settings as s where s.name = 'lock_timeout'"_sql)
           .field(0, 0)};
}

void set_lock_timeout(db::Writer& writer, const std::string& milliseconds, bool only_here) {
  writer.execute("select pg_catalog.set_config('lock_timeout', $1, $2)"_sql,
                 {{milliseconds, db::oid::text}, {only_here ? "t" : "f", db::oid::boolean}});
}

/// That of the target, when it is shorter.
std::string shortened(const std::string& usual) {
  const int milliseconds = std::stoi(usual);
  return milliseconds > 0 && milliseconds < definition_lock_timeout ? usual : std::to_string(definition_lock_timeout);
}

/// An index of that name on that table, left invalid by a build that failed. Errors: "transaction.lock_timeout" when it
/// is being built.
std::optional<sql::QualifiedName> invalid_index(db::Writer& writer, const sql::Definition& definition) {
  db::Result found = writer.execute(
      "select n.nspname, c.relname, exists (select from pg_catalog.pg_locks as l where l.relation = t.oid "
      "and l.locktype = 'relation' and l.mode = 'ShareUpdateExclusiveLock' and l.pid <> pg_catalog.pg_backend_pid()) "
      "from pg_catalog.pg_class as t "
      "join pg_catalog.pg_index as i on i.indrelid = t.oid and not i.indisvalid "
      "join pg_catalog.pg_class as c on c.oid = i.indexrelid and c.relname = $2 "
      "join pg_catalog.pg_namespace as n on n.oid = c.relnamespace "
      "where t.oid = pg_catalog.to_regclass($1)::pg_catalog.oid and t.relkind <> 'p'"_sql,
      {{definition.relations.front().qualified().text(), db::oid::text}, {definition.builds->name, db::oid::text}});
  if (found.rows() == 0) return std::nullopt;
  sql::QualifiedName index{std::string{*found.field(0, 0)}, std::string{*found.field(0, 1)}};
  if (found.field(0, 2) == "t")
    throw Error{"transaction.lock_timeout",
                fmt::format("the index {} is not valid, and somebody is at work on its table", index.text()),
                "it may be built right now: see pg_stat_progress_create_index; else wait until the table is free"};
  return index;
}

}  // namespace

void Work::define(const sql::DefineSql& sql) {
  if (!writes_.defines)
    throw Error{"sql.refused", "objects are defined or changed in a schema step", "say schema = true in the step"};
  if (sql.definition().alone)
    throw Error{"sql.refused", fmt::format("{} CONCURRENTLY does not run inside a transaction", sql.definition().verb),
                "say autocommit = true in the step"};
  const std::string usual = lock_timeout(writer_);
  set_lock_timeout(writer_, shortened(usual), true);
  require_definable(writer_, sql.definition(), *writes_.defines);
  writer_.define(sql);
  set_lock_timeout(writer_, usual, true);
  // Names may mean something else now.
  relations_.clear();
}

void Ledger::begin_alone(const Claim& claim, int step, int batch, const plan::Items& items) {
  transaction([&] {
    journal::fence(writer_, claim);
    keep_items(writer_, claim.run, step, batch, items);
  });
}

void Ledger::drop_index(const sql::QualifiedName& index) {
  writer_.execute_alone(db::CommitKey{}, sql::compose_write({"drop index concurrently if exists ", index}));
}

std::string Ledger::define_alone(const Claim& claim, const sql::DefineSql& sql, const Defines& defines) {
  const sql::Definition& definition = sql.definition();
  std::string usual;
  std::optional<sql::QualifiedName> invalid;
  transaction([&] {
    journal::fence(writer_, claim);
    auto whole = definition;
    whole.alone = true;
    require_definable(writer_, whole, defines);
    if (definition.builds) invalid = invalid_index(writer_, definition);
    usual = lock_timeout(writer_);
    // CONCURRENTLY keeps nobody from reading and writing while it waits; and giving up leaves an invalid index behind.
    set_lock_timeout(writer_, definition.alone ? "0" : shortened(usual), false);
    // As the fence does it for a batch; that lasts as long as its transaction.
    writer_.execute(
        "select pg_catalog.set_config('opsh.run', pg_catalog.current_setting('opsh.run'), false), "
        "pg_catalog.set_config('opsh.rung', pg_catalog.current_setting('opsh.rung'), false)"_sql);
  });
  auto settle = [&] {
    transaction([&] {
      set_lock_timeout(writer_, usual, false);
      writer_.execute(
          "select pg_catalog.set_config('opsh.run', '', false), pg_catalog.set_config('opsh.rung', '', false)"_sql);
    });
  };
  try {
    if (invalid) drop_index(*invalid);
    writer_.define_alone(db::CommitKey{}, sql);
  } catch (const Error&) {
    if (!writer_.connection().lost()) {
      interrupt::Shield shield;
      settle();
    }
    throw;
  }
  settle();
  return invalid ? fmt::format("the index {} was not valid: dropped, and built again", invalid->text()) : std::string{};
}

}  // namespace opsh::journal
