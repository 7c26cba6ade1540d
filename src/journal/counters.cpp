#include "journal/counters.hpp"

#include <charconv>

#include "db/relation.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;

std::int64_t number(const db::Result& result, int row, int column) {
  std::int64_t value = 0;
  std::string_view text = result.field(row, column).value_or("0");
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Counts counts_at(const db::Result& result, int row, int column) {
  return {number(result, row, column), number(result, row, column + 1), number(result, row, column + 2), 0};
}

}  // namespace

void Counters::begin(db::Writer& writer) {
  before_.clear();
  if (lost_track_) {
    db::Result counted = writer.query(
        "select s.relid from pg_catalog.pg_stat_xact_user_tables as s "
        "where s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0"_sql);
    for (int row = 0; row < counted.rows(); ++row) touched_.insert(static_cast<unsigned>(number(counted, row, 0)));
  }
  // Until since_begin(): who is rolled back before that leaves counts behind.
  lost_track_ = true;
  taken_back_ = false;
  if (touched_.empty()) return;
  db::ArrayText oids;
  for (unsigned oid : touched_) oids.add(std::to_string(oid));
  db::Result result = writer.repeated(
      "select o.oid, pg_catalog.pg_stat_get_xact_tuples_inserted(o.oid), "
      "pg_catalog.pg_stat_get_xact_tuples_updated(o.oid), pg_catalog.pg_stat_get_xact_tuples_deleted(o.oid) "
      "from pg_catalog.unnest($1::pg_catalog.oid[]) as o(oid)"_sql,
      {{oids.take()}});
  for (int row = 0; row < result.rows(); ++row)
    before_[static_cast<unsigned>(number(result, row, 0))] = counts_at(result, row, 1);
}

std::vector<TableCount> Counters::since_begin(db::Writer& writer) {
  auto tables = so_far(writer);
  lost_track_ = taken_back_;
  return tables;
}

std::vector<TableCount> Counters::so_far(db::Writer& writer) {
  // Relations below 16384 are the server's own: a function that makes a temporary table writes there.
  db::Result result = writer.repeated(
      "select l.relation, n.nspname, c.relname, "
      "pg_catalog.pg_stat_get_xact_tuples_inserted(l.relation), "
      "pg_catalog.pg_stat_get_xact_tuples_updated(l.relation), "
      "pg_catalog.pg_stat_get_xact_tuples_deleted(l.relation), l.strong "
      "from (select k.relation, pg_catalog.max(k.mode) filter (where k.mode not in "
      "('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')) as strong from pg_catalog.pg_locks as k "
      "where k.pid = pg_catalog.pg_backend_pid() and k.locktype = 'relation' and k.granted "
      "and k.relation::pg_catalog.int8 >= 16384 group by k.relation) as l "
      "left join pg_catalog.pg_class as c on c.oid = l.relation "
      "left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace "
      "where c.oid is null or (n.nspname not in ('opsh', 'pg_toast') and c.relpersistence <> 't' "
      "and c.relkind not in ('i', 'I'))"_sql);
  std::vector<TableCount> tables;
  for (int row = 0; row < result.rows(); ++row) {
    TableCount table;
    table.oid = static_cast<unsigned>(number(result, row, 0));
    table.schema = result.field(row, 1).value_or("");
    table.name = result.field(row, 2).value_or("");
    table.counts = counts_at(result, row, 3);
    table.lock = result.field(row, 6).value_or("");
    touched_.insert(table.oid);
    if (auto before = before_.find(table.oid); before != before_.end()) {
      table.counts.inserted -= before->second.inserted;
      table.counts.updated -= before->second.updated;
      table.counts.deleted -= before->second.deleted;
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace opsh::journal
