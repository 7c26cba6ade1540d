#include "attacks/observer.hpp"

#include <stdexcept>
#include <utility>
#include <vector>

namespace attacks {
namespace {

// The relations that the observer's statement is made of; what comes later shows in pg_class.
constexpr const char* relations = R"(
  select c.oid::regclass::text, c.relkind from pg_class as c
  where c.relkind in ('r', 'm', 'S') and c.relpersistence <> 't' and c.relnamespace <> 'pg_toast'::regnamespace
  order by c.oid)";

constexpr const char* look_at_the_rest = R"(
  select 'next transaction id', pg_snapshot_xmax(pg_current_snapshot())::text
  union all select 'what VACUUM and ANALYZE leave', concat_ws(' ', sum(relpages), sum(reltuples), sum(relallvisible),
    sum(relfrozenxid::text::bigint), sum(relminmxid::text::bigint)) from pg_class
  union all select 'replication slots', string_agg(concat_ws(' ', slot_name, slot_type, active, restart_lsn), ', '
    order by slot_name) from pg_replication_slots
  union all select 'prepared transactions', string_agg(gid, ', ' order by gid) from pg_prepared_xacts
  union all select 'advisory locks', string_agg(concat_ws(' ', classid, objid, objsubid, mode), ', '
    order by classid, objid, objsubid) from pg_locks where locktype = 'advisory'
  union all select 'configuration', concat_ws(' ', pg_conf_load_time(), (select md5(string_agg(concat_ws('=', name,
    setting), ',' order by seqno)) from pg_file_settings))
  union all select 'statistics reset', concat_ws(' ', (select stats_reset from pg_stat_database
      where datname = current_database()), (select stats_reset from pg_stat_bgwriter),
    (select max(stats_reset) from pg_stat_slru), (select stats_reset from watch.pg_stat_statements_info))
  union all select 'checkpoint', (select redo_lsn from pg_control_checkpoint())::text
  union all select 'segment of the log', pg_walfile_name(pg_current_wal_lsn()))";

constexpr const char* look_at_sessions = R"(
  select string_agg(held, ', ') from (
    select concat_ws(' ', l.locktype, l.mode, l.relation::regclass, l.objid) as held
    from pg_locks as l join pg_stat_activity as a on a.pid = l.pid
    where a.datname = current_database() and a.pid <> pg_backend_pid()
      and (l.locktype in ('advisory', 'transactionid', 'object')
        or l.locktype = 'relation' and l.mode <> 'AccessShareLock')
    union all select 'an exported snapshot' from pg_ls_dir('pg_snapshots')) as h)";

// The server itself logs these: running transactions for standbys, images of pages whose hints changed, clean-up of
// pages that are read.
constexpr const char* logged_beyond_reading = R"(
  select string_agg(kind, ', ') from (
    select distinct resource_manager || '/' || record_type as kind
    from watch.pg_get_wal_records_info($1, pg_current_wal_flush_lsn())) as records
  where kind not in ('Standby/RUNNING_XACTS', 'XLOG/FPI_FOR_HINT', 'XLOG/FPI', 'Heap2/PRUNE', 'Heap2/PRUNE_ON_ACCESS'))";

std::string text(const std::optional<std::string>& value) {
  return value.value_or("");
}

void add_to(std::string& statement, const std::string& part) {
  if (!statement.empty()) statement += " union all ";
  statement += part;
}

// A row's version is where it stands and who wrote it, so no change of a table leaves both sums as they were.
std::string versions_of(const std::string& relation) {
  return "select 'rows of " + relation +
         "', concat_ws(' ', count(*), sum(xmin::text::bigint), sum(hashtextextended(ctid::text, 0))) from only " +
         relation;
}

std::string state_of(const std::string& sequence) {
  return "select 'sequence " + sequence + "', concat_ws(' ', last_value, is_called) from " + sequence;
}

}  // namespace

std::string differences(const Observed& before, const Observed& after) {
  std::string found;
  for (const auto& [name, value] : after) {
    const auto was = before.find(name);
    const std::string old = was == before.end() ? "" : was->second;
    if (old != value) found += (found.empty() ? "" : "; ") + name + ": " + old + " -> " + value;
  }
  return found;
}

Observer::Observer(const std::string& conninfo) : session_(conninfo + " options='-c search_path=pg_catalog'") {
  std::string statement;
  for (const auto& row : session_.run(relations))
    add_to(statement, *row[1] == "S" ? state_of(*row[0]) : versions_of(*row[0]));
  add_to(statement, look_at_the_rest);
  session_.run("prepare look as " + statement);
  session_.run("set lock_timeout = 2000");
}

Observed Observer::look() {
  Observed seen;
  for (const auto& row : session_.run("execute look")) seen[*row[0]] = text(row[1]);
  position_before_ = std::exchange(position_, *session_.run("select pg_current_wal_insert_lsn()")[0][0]);
  return seen;
}

std::string Observer::logged() {
  if (position_before_.empty() || position_before_ == position_) return {};
  // What no COMMIT has flushed, the server flushes within 200 ms.
  test::eventually(
      [&] { return session_.run("select pg_current_wal_flush_lsn() >= '" + position_ + "'")[0][0] == "t"; },
      opsh::Seconds{1});
  std::string statement = logged_beyond_reading;
  statement.replace(statement.find("$1"), 2, "'" + position_before_ + "'");
  try {
    return text(session_.run(statement)[0][0]);
  } catch (const std::runtime_error&) {
    return {};  // a server before 15 has no pg_walinspect
  }
}

std::string Observer::held() {
  return text(session_.run(look_at_sessions)[0][0]);
}

}  // namespace attacks
