#include <fmt/format.h>

#include <set>
#include <thread>
#include <utility>

#include "backup/properties.hpp"
#include "backup/replacement.hpp"
#include "base/interrupt.hpp"

namespace opsh::backup {
namespace {

using sql::compose_write;
using sql::Identifier;
using sql::operator""_sql;

constexpr Seconds breath{0.02};
/// For one statement of a swap; a RENAME itself gives up after 5 s.
constexpr Seconds statement_limit{20};
/// For a server that comes up again after a crash.
constexpr Seconds recovery_limit{60};

sql::WriteSql rename(const std::string& from, const std::string& to) {
  return compose_write({"alter database ", Identifier{from}, " rename to ", Identifier{to}});
}

/// Terminates, over and over and on a session of its own, whoever is in one of the databases, as long as it lives: a
/// RENAME waits for them.
class Ending {
 public:
  Ending(db::Witness& session, const std::string& one, const std::string& other)
      : session_(session),
        databases_("{" + one + (one.empty() ? "" : ",") + other + "}"),
        thread_([this](auto stop) { run(stop); }) {}

  /// Stops; how many there were.
  std::size_t finish() {
    thread_.request_stop();
    thread_.join();
    return pids_.size();
  }

 private:
  void run(const std::stop_token& stop) {
    try {
      while (!stop.stop_requested()) {
        end_once();
        std::this_thread::sleep_for(breath);
      }
    } catch (const Error&) {
      // The RENAME that waits says what stands in its way.
    }
  }

  void end_once() {
    // Those that this role may not end would fail the statement; the server itself ends its autovacuum workers.
    db::Result ended = session_.query(
        "with found as materialized (select a.pid from pg_catalog.pg_stat_activity as a "
        "left join pg_catalog.pg_roles as r on r.oid = a.usesysid "
        "where a.datid = any ($1::pg_catalog.oid[]) and coalesce(a.backend_type, '') <> 'autovacuum worker' "
        "and ((select m.rolsuper from pg_catalog.pg_roles as m where m.rolname = current_user) "
        "or (not r.rolsuper and (pg_catalog.pg_has_role(current_user, r.oid, 'USAGE') "
        "or pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE'))))) "
        "select f.pid from found as f where pg_catalog.pg_terminate_backend(f.pid)"_sql,
        {{databases_, db::oid::text}});
    for (int row = 0; row < ended.rows(); ++row) pids_.emplace(*ended.field(row, 0));
  }

  db::Witness& session_;
  std::string databases_;
  std::set<std::string> pids_;
  std::jthread thread_;  ///< last, so that it ends before what it uses
};

/// Whether another attempt may go better: somebody was still inside, or held a lock.
bool passes(const Error& error) {
  return error.sqlstate == "55006" || error.sqlstate == "55P03" || error.sqlstate == "40P01";
}

}  // namespace

Swap Replacement::swap_in(Seconds within) {
  const Deadline deadline = Deadline::in(within);
  for (;;) {
    try {
      return swap_once();
    } catch (const Error& error) {
      if (!passes(error)) throw;
      if (deadline.passed())
        throw Error{
            "backup.busy",
            fmt::format("the databases could not be swapped within {:.0f} s: {}", within.count(), error.message),
            "see who is in it in pg_stat_activity, and whether this role may end that session"};
    }
  }
}

Swap Replacement::swap_once() {
  db::Target target = maintenance();
  target.statement_within = statement_limit;
  target.lock_within = Seconds{5};
  db::Witness other{target};
  db::Writer writer{target};
  Swap swap;
  writer.begin(db::CommitKey{});
  const auto began = Clock::now();
  try {
    Ending ending{other, names_.original_oid, fresh_oid_};
    if (!names_.original_oid.empty()) writer.execute(rename(names_.original, names_.before));
    writer.execute(rename(names_.fresh, names_.original));
    swap.ended = ending.finish();
    require_in_place(writer);
  } catch (...) {
    writer.rollback();
    throw;
  }
  const db::CommitAnswer answer = writer.commit(db::CommitKey{});
  swap.closed = Clock::now() - began;
  swap.answer_lost = answer == db::CommitAnswer::unknown;
  if (answer == db::CommitAnswer::rolled_back || (swap.answer_lost && !happened(writer.backend())))
    throw Error{"backup.swap", "the server has taken the swap back", "its log says why"};
  return swap;
}

/// Others may have renamed, dropped or changed what this restore began with. The RENAMEs hold both rows locked by now.
void Replacement::require_in_place(db::Writer& writer) const {
  db::Result found = writer.query(
      "select (select d.oid from pg_catalog.pg_database as d where d.datname = $1), "
      "(select d.oid from pg_catalog.pg_database as d where d.datname = $2)"_sql,
      {{names_.original, db::oid::text}, {names_.before, db::oid::text}});
  if (found.field(0, 0) != fresh_oid_ || found.field(0, 1).value_or("") != names_.original_oid)
    throw Error{"backup.replaced",
                fmt::format("{} is not the database any more that it was when this restore began", names_.original),
                "somebody has replaced or renamed it meanwhile: look at it before you begin again"};
  if (!names_.original_oid.empty()) require_alike(writer, names_.original_oid, fresh_oid_);
}

/// Whether a COMMIT without an answer has happened: the catalog says so, once the session that sent it is gone.
bool Replacement::happened(const db::Backend& backend) const {
  interrupt::Shield shield;
  const Deadline deadline = Deadline::in(recovery_limit), until_ended = Deadline::in(Seconds{1});
  while (!deadline.passed()) {
    try {
      db::Witness session{maintenance()};
      const bool end = until_ended.passed();
      db::Result there = session.query(
          "select case when $3 then pg_catalog.pg_terminate_backend(a.pid) end from pg_catalog.pg_stat_activity as a "
          "where a.pid = $1 and a.backend_start = $2"_sql,
          {{std::to_string(backend.pid), db::oid::int4},
           {backend.started, db::oid::timestamptz},
           {end ? "t" : "f", db::oid::boolean}});
      if (there.rows() == 0) return oid_named(session, names_.original) == fresh_oid_;
    } catch (const Error&) {
      // It comes up again, or does not.
    }
    std::this_thread::sleep_for(Seconds{0.1});
  }
  throw Error{"in_doubt.swap",
              fmt::format("the COMMIT of the swap was not answered, and the server cannot be asked whether {} is the "
                          "restored database or the original",
                          names_.original),
              fmt::format("select oid, datname from pg_database: where {} has oid {}, the swap happened, and {} is the "
                          "original",
                          names_.original, fresh_oid_, names_.before)};
}

}  // namespace opsh::backup
