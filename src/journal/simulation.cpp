#include "journal/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <thread>

#include "base/interrupt.hpp"
#include "db/relation.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;

template <class Number = std::int64_t>
Number number(const db::Result& result, int row, int column) {
  Number value = 0;
  std::string_view text = result.field(row, column).value_or("0");
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string text(const db::Result& result, int row, int column) {
  return std::string{result.field(row, column).value_or("")};
}

std::string qualified(const db::Result& result, int row, int column) {
  return sql::QualifiedName{text(result, row, column), text(result, row, column + 1)}.text();
}

/// The server notices late that a client is gone, and may then still be busy with its last statement.
constexpr Seconds for_a_lost_session{2};

}  // namespace

Simulation::Simulation(const db::Target& target, const std::string& run)
    : writer_(target), observer_(target), sequences_(all_sequences()) {
  wal_before_ = text(observer_.query("select pg_catalog.pg_current_wal_insert_lsn()"_sql), 0, 0);
  began_ = Clock::now();
  writer_.begin(db::BeginKey{});
  // As the fence of a batch does it: a guard that a runbook installs tells by these two what to let through. The id is
  // taken now, so that it is known whenever the session is lost.
  db::Result begun = writer_.execute(
      "select pg_catalog.set_config('opsh.run', $1, true), pg_catalog.set_config('opsh.rung', 'simulate', true), "
      "pg_catalog.pg_current_xact_id()"_sql,
      {{run, db::oid::text}});
  transaction_ = text(begun, 0, 2);
  observed_ = status() == "in progress";
}

Simulation::~Simulation() {
  close();
}

void Simulation::close() noexcept {
  writer_.rollback();
  writer_.connection().close();
  observer_.connection().close();
}

std::map<unsigned, Simulation::Sequence> Simulation::all_sequences() {
  db::Result result = observer_.query(
      "select c.oid, n.nspname, c.relname, case when pg_catalog.has_sequence_privilege(c.oid, 'select, usage') "
      "then pg_catalog.pg_sequence_last_value(c.oid) end from pg_catalog.pg_class as c "
      "join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where c.relkind = 'S' and c.relpersistence <> 't'"_sql);
  std::map<unsigned, Sequence> sequences;
  for (int row = 0; row < result.rows(); ++row) {
    auto value = result.field(row, 3);
    sequences[number<unsigned>(result, row, 0)] = {qualified(result, row, 1),
                                                   value ? std::optional<std::string>{*value} : std::nullopt};
  }
  return sequences;
}

void Simulation::add_counts(const Work::Writes& writes) {
  // What attempts took back is not to be seen in the locks: the next batch begins with a look at all tables.
  counters_.take_back();
  for (const auto& table : counters_.since_begin(writer_)) {
    const Counts& counts = table.counts;
    bool written = counts.inserted + counts.updated + counts.deleted > 0;
    bool strong = !table.lock.empty() && strong_.insert(table.oid).second;
    if (!written && !strong) continue;
    auto& touched = touched_[table.oid];
    touched.name = table.name.empty() ? fmt::format("a table that is gone (oid {})", table.oid)
                                      : sql::QualifiedName{table.schema, table.name}.text();
    touched.kept.inserted += counts.inserted;
    touched.kept.updated += counts.updated;
    touched.kept.deleted += counts.deleted;
    // A step without a journal has no proof that would refuse it.
    if (!writes.tables) continue;
    touched.undeclared |= written && !writes.tables->declared_above(table.oid);
    touched.forbidden |= strong;
  }
}

/// What only the transaction itself can tell, and only while it lasts.
void Simulation::look_back(Traces& traces) {
  db::Result result = writer_.query("select pg_catalog.current_setting('track_counts')"_sql);
  traces.counted = result.field(0, 0) == "on";

  // Also of attempts that were taken back: their rows are dead as well.
  result = writer_.query(
      "select s.relid, s.schemaname, s.relname, s.n_tup_ins + s.n_tup_upd "
      "from pg_catalog.pg_stat_xact_user_tables as s join pg_catalog.pg_class as c on c.oid = s.relid where s.n_tup_ins + s.n_tup_upd > 0 and c.relpersistence <> 't'"_sql);
  for (int row = 0; row < result.rows(); ++row) {
    auto& touched = touched_[number<unsigned>(result, row, 0)];
    touched.name = qualified(result, row, 1);
    touched.dead = number(result, row, 3);
  }

  result = writer_.query(
      "select c.oid, n.nspname, c.relname, c.relkind = 'S', (pg_catalog.array_agg(m.mode order by m.strength desc))[1] "
      "from pg_catalog.pg_locks as l join pg_catalog.pg_class as c on c.oid = l.relation "
      "join pg_catalog.pg_namespace as n on n.oid = c.relnamespace "
      "join pg_catalog.unnest(array['RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', "
      "'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']) with ordinality as m(mode, strength) "
      "on m.mode = l.mode "
      "where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'relation' and l.granted "
      "and c.relkind in ('r', 'p', 'm', 'f', 'S') and c.relpersistence <> 't' and c.oid::pg_catalog.int8 >= 16384 "
      "and n.nspname <> 'pg_toast' group by c.oid, n.nspname, c.relname, c.relkind"_sql);
  for (int row = 0; row < result.rows(); ++row) {
    auto oid = number<unsigned>(result, row, 0);
    // nextval() and setval() keep their lock to the end, also when a savepoint is taken back.
    if (result.field(row, 3) == "t") {
      used_sequences_.insert(oid);
      continue;
    }
    auto& touched = touched_[oid];
    touched.name = qualified(result, row, 1);
    touched.lock = text(result, row, 4);
  }
}

std::string Simulation::status() {
  return text(observer_.query("select pg_catalog.pg_xact_status($1::pg_catalog.text::pg_catalog.xid8)"_sql,
                              {{transaction_, db::oid::text}}),
              0, 0);
}

void Simulation::look_from_outside(Traces& traces) {
  if (observed_) {
    Deadline patience = Deadline::in(writer_.connection().lost() ? for_a_lost_session : Seconds{0});
    for (traces.status = status(); traces.status == "in progress" && !patience.passed(); traces.status = status())
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  traces.wal_bytes = number(observer_.query("select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), "
                                            "$1::pg_catalog.text::pg_catalog.pg_lsn)::pg_catalog.int8"_sql,
                                            {{wal_before_, db::oid::text}}),
                            0, 0);
  if (used_sequences_.empty()) return;
  auto now = all_sequences();
  for (unsigned oid : used_sequences_) {
    auto before = sequences_.find(oid), after = now.find(oid);
    // Else the transaction made it, and it is gone.
    if (before != sequences_.end() && after != now.end() && before->second.value != after->second.value)
      traces.sequences.push_back({before->second.name, before->second.value, after->second.value});
  }
  std::ranges::sort(traces.sequences, {}, &MovedSequence::name);
}

Traces Simulation::finish() {
  interrupt::Shield shield;
  Traces traces;
  std::exception_ptr failure;
  if (writer_.in_transaction() && !writer_.doomed()) try {
      look_back(traces);
    } catch (const Error&) {
      failure = std::current_exception();
    }
  writer_.rollback();
  traces.seconds = Clock::now() - began_;
  if (failure) std::rethrow_exception(failure);
  traces.transaction = transaction_;
  for (auto& [oid, table] : touched_) traces.tables.push_back(std::move(table));
  std::ranges::sort(traces.tables, {}, &TouchedTable::name);
  touched_.clear();
  try {
    look_from_outside(traces);
  } catch (const Error&) {
    // It is rolled back, and that can only not be shown: the status stays empty, or what it was.
  }
  return traces;
}

SimulatedBatch::SimulatedBatch(Simulation& simulation, Writes writes)
    : Work(simulation.writer(), std::move(writes)), simulation_(simulation) {
  simulation_.counters_.begin(writer_);
  savepoint();
  open_ = true;
}

SimulatedBatch::~SimulatedBatch() {
  rollback();
}

void SimulatedBatch::record(const Place&, std::size_t, const std::vector<LeftOut>&, const std::string&) {
  refuse_doomed();
  check_deferred();
  recorded_ = true;
}

Outcome SimulatedBatch::finish() {
  if (!recorded_) throw Error{"internal", "a simulated batch was about to be kept without a look at its constraints"};
  refuse_doomed();
  simulation_.add_counts(writes_);
  release_savepoint();
  open_ = false;
  return Outcome::kept;
}

void SimulatedBatch::rollback() noexcept {
  if (!open_) return;
  open_ = false;
  try {
    while (savepoints_ > 0) rollback_to_savepoint();
  } catch (const Error&) {
    // The connection is lost, and with it the transaction.
  }
}

}  // namespace opsh::journal
