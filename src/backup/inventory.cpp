#include "backup/inventory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "db/errors.hpp"

namespace opsh::backup {
namespace {

using sql::operator""_sql;
using P = sql::ReadPiece;

// A value that names something is written without its schema when the search path finds it.
constexpr sql::HostSql settle = R"(
select pg_catalog.set_config('search_path', '', true), pg_catalog.set_config('TimeZone', 'UTC', true),
       pg_catalog.set_config('row_security', 'off', true), pg_catalog.pg_is_in_recovery(),
       pg_catalog.set_config('max_parallel_workers_per_gather',
                             coalesce($1, pg_catalog.current_setting('max_parallel_workers_per_gather')), true))"_sql;

// By pieces of 1 MB, so that memory stays flat, as their owner reads them: what is sparse here is written out in a
// copy.
constexpr sql::HostSql large_object_pages = R"(
with recursive piece (oid, at, size, hash) as (
  select m.oid, 0::pg_catalog.int8, pg_catalog.octet_length(b.bytes), pg_catalog.encode(pg_catalog.sha256(b.bytes), 'hex')
  from pg_catalog.pg_largeobject_metadata as m,
       lateral (select pg_catalog.lo_get(m.oid, 0, 1048576) as bytes offset 0) as b
  union all
  select p.oid, p.at + 1048576, pg_catalog.octet_length(b.bytes), pg_catalog.encode(pg_catalog.sha256(b.bytes), 'hex')
  from piece as p,
       lateral (select pg_catalog.lo_get(p.oid, p.at + 1048576, 1048576) as bytes offset 0) as b
  where p.size = 1048576
)
select pg_catalog.count(*) filter (where p.at = 0),
       coalesce(pg_catalog.sum(pg_catalog.hashtextextended(
         pg_catalog.format('%s %s %s', p.oid, p.at, p.hash) collate "C", 0)::pg_catalog.numeric), 0)
from piece as p)"_sql;

std::string named(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 5;
  std::string text;
  for (std::size_t at = 0; at < names.size() && at < shown; ++at) text += (at ? ", " : "") + names[at];
  return names.size() > shown ? fmt::format("{} and {} more", text, names.size() - shown) : text;
}

std::uint64_t count_at(const db::Result& rows, int column) {
  std::uint64_t count = 0;
  const auto text = rows.field(0, column).value_or("0");
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

}  // namespace

Inventory::Inventory(db::Reader& reader, const InventoryOptions& options)
    : reader_(reader), partial_(options.tables.has_value()) {
  auto relations = read_relations(reader, options.tables);
  std::optional<std::string> workers;
  if (options.workers) workers = std::to_string(*options.workers);
  const bool standby = reader.query(settle, {{workers, db::oid::text}}).field(0, 3) == "t";
  sort_out(std::move(relations), standby);
  require_readable();
  lock();
  if (!partial_) contents_.objects = count_objects(reader);
  contents_.roles = read_roles(reader);
  for (const auto& sequence : sequences_)
    contents_.sequences.push_back({sequence.text, value_of(sequence), std::nullopt});
}

void Inventory::sort_out(std::vector<StoredRelation> relations, bool standby) {
  for (auto& relation : relations) {
    auto leave_out = [&](std::string why) { contents_.not_compared.push_back({relation.text, std::move(why)}); };
    if (relation.kind == 'p')
      partitioned_.push_back(std::move(relation));
    else if (relation.kind == 'f')
      leave_out("foreign table: its rows are on another server");
    else if (relation.kind == 'm')
      leave_out("materialized view: a restore makes it anew");
    else if (!relation.extension.empty())
      leave_out(fmt::format("belongs to extension {}", relation.extension));
    else if (relation.unlogged && standby)
      leave_out("unlogged: a standby has nothing of it");
    else
      (relation.kind == 'S' ? sequences_ : tables_).push_back(std::move(relation));
  }
}

void Inventory::require_readable() const {
  std::vector<std::string> unreadable, hidden;
  for (const auto* list : {&tables_, &sequences_})
    for (const auto& relation : *list) {
      if (!relation.readable)
        unreadable.push_back(relation.text);
      else if (relation.row_security)
        hidden.push_back(relation.text);
    }
  if (unreadable.empty() && hidden.empty()) return;
  std::ranges::sort(unreadable);
  const std::string role{reader_.query("select current_user"_sql).field(0, 0).value_or("")};
  if (!unreadable.empty())
    throw Error{
        "permission.tables", fmt::format("role {} may not read {}", role, named(unreadable)),
        "grant it select on them and usage on their schemas (pg_read_all_data has both), or take another login"};
  throw Error{"permission.row_security", fmt::format("row security hides rows of {} from role {}", named(hidden), role),
              "take a login that row security does not apply to: their owner, a superuser, or one with bypassrls"};
}

void Inventory::lock() {
  for (const auto& table : tables_) {
    try {
      reader_.query(sql::compose_read({P{"lock table only "}, P{table.name}, P{" in access share mode"}}));
    } catch (const db::SqlError& error) {
      if (error.sqlstate == "55P03")
        throw Error{"backup.locked",
                    fmt::format("{} is locked by another session that changes its definition", table.text),
                    "try again when it is done (pg_blocking_pids says who it is), or wait longer: --lock-timeout"};
      if (error.sqlstate == "42P01")
        throw Error{"backup.locked", fmt::format("{} was dropped while opsh looked at it", table.text), "try again"};
      throw;
    }
  }
}

template <class Work>
auto Inventory::within_time(const std::string& what, Work&& work) {
  try {
    return work();
  } catch (const db::SqlError& error) {
    if (error.sqlstate == "40001")
      throw Error{"backup.conflict", fmt::format("{} could not be read: {}", what, error.message),
                  "try again, back up from the primary, or raise max_standby_streaming_delay on this standby"};
    // The list of columns is that of the snapshot, the lock came a moment later.
    if (error.sqlstate == "42703")
      throw Error{"backup.locked", fmt::format("{} was changed while opsh looked at it", what), "try again"};
    if (error.sqlstate != "57014") throw;
    throw Error{"backup.timeout", fmt::format("{} could not be read: {}", what, error.message),
                "raise --statement-timeout (0 means no limit)"};
  }
}

std::vector<std::string> Inventory::chosen() const {
  std::vector<std::string> names;
  for (const auto* list : {&partitioned_, &tables_})
    for (const auto& table : *list) names.push_back(table.text);
  return names;
}

std::string Inventory::next() const {
  return done_ < tables_.size() ? tables_[done_].text : "";
}

// A row's text is made of ROW(...), which no cast of a user's can replace, unlike that of the table's own type.
void Inventory::step() {
  const StoredRelation& table = tables_.at(done_);
  std::vector<P> pieces{"select pg_catalog.count(*), coalesce(pg_catalog.sum(pg_catalog.hashtextextended(row("};
  for (std::size_t at = 0; at < table.columns.size(); ++at)
    pieces.insert(pieces.end(), {at ? P{", opsh_row."} : P{"opsh_row."}, P{table.columns[at]}});
  pieces.insert(pieces.end(), {P{")::pg_catalog.text collate \"C\", 0)::pg_catalog.numeric), 0) from only "},
                               P{table.name}, P{" as opsh_row"}});
  const sql::ReadSql statement = sql::compose(std::span<const P>{pieces});
  db::Result found = within_time(table.text, [&] { return reader_.query(statement); });
  contents_.tables.push_back({table.text, count_at(found, 0), std::string{found.field(0, 1).value_or("")}});
  ++done_;
}

SequenceValue Inventory::value_of(const StoredRelation& sequence) {
  db::Result found =
      reader_.query(sql::compose_read({P{"select s.last_value, s.is_called from "}, P{sequence.name}, P{" as s"}}));
  return {std::string{found.field(0, 0).value_or("")}, found.field(0, 1) == "t"};
}

LargeObjectContent Inventory::large_objects() {
  db::Result found = within_time("large objects", [&] { return reader_.query(large_object_pages); });
  return {count_at(found, 0), std::string{found.field(0, 1).value_or("")}};
}

Contents Inventory::finish() {
  while (done_ < tables_.size()) step();
  if (!partial_) contents_.large_objects = large_objects();
  for (std::size_t at = 0; at < sequences_.size(); ++at) {
    SequenceValue now = value_of(sequences_[at]);
    if (now != contents_.sequences[at].before) contents_.sequences[at].after = std::move(now);
  }
  return std::move(contents_);
}

}  // namespace opsh::backup
