#include "journal/capture.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"
#include "db/relation.hpp"
#include "digest/random.hpp"
#include "journal/leaf_changes.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

Act act_of(const sql::Operation& operation) {
  switch (operation.kind) {
    case sql::StatementKind::insert:
      return operation.upsert ? Act::upsert : Act::insert;
    case sql::StatementKind::update:
      return Act::update;
    default:
      return Act::remove;
  }
}

std::string described(const Leaf& leaf) {
  std::string text;
  for (const auto& column : leaf.columns)
    text += fmt::format("{}{}:{}:{}:{}:{}", text.empty() ? "" : "\n", column.number, column.name, column.type,
                        column.generated ? "t" : "f", column.identity_always ? "t" : "f");
  return text;
}

/// What the batch wrote is locked against DDL from its first statement on; this finds what happened before that.
void require_unchanged(db::Writer& writer, const Tables& tables, const Written& written) {
  auto changed = [](const std::string& what) {
    return Error{"transaction.tables_changed", what + " since the step began", "run it again"};
  };
  db::ArrayText oids, keys;
  for (const auto& [oid, counts] : written.counts()) {
    const Leaf* leaf = tables.leaf(oid);
    if (!leaf) throw changed(fmt::format("a partition (oid {}) has appeared", oid));
    std::vector<int> numbers;
    for (std::size_t column : leaf->key) numbers.push_back(leaf->columns[column].number);
    std::ranges::sort(numbers);
    oids.add(std::to_string(oid));
    keys.add(fmt::format("{{{}}}", fmt::join(numbers, ",")));
  }
  db::Result found = writer.repeated(
      "select w.oid, (select pg_catalog.string_agg(pg_catalog.concat_ws(':', a.attnum, a.attname, a.atttypid, "
      "(a.attgenerated <> '')::pg_catalog.bool, a.attidentity = 'a'), E'\n' order by a.attnum) "
      "from pg_catalog.pg_attribute as a where a.attrelid = w.oid and a.attnum > 0 and not a.attisdropped), "
      // bool_or, because EXISTS may become a scan of the whole catalog.
      "(select coalesce(pg_catalog.bool_or(t.tgenabled <> 'D' and t.tgtype & 19 = 19), false) "
      "from pg_catalog.pg_trigger as t where t.tgrelid = w.oid "
      "and (not t.tgisinternal or t.tgparentid <> 0)), "
      "(select pg_catalog.bool_or(i.indisunique and i.indisvalid and i.indisready and i.indimmediate "
      "and i.indpred is null and i.indexprs is null "
      "and (select pg_catalog.array_agg(k.number order by k.number) from "
      "pg_catalog.unnest(i.indkey::pg_catalog.int2[]) "
      "with ordinality as k(number, place) where k.place <= i.indnkeyatts) = w.key::pg_catalog.int2[]) "
      "from pg_catalog.pg_index as i where i.indrelid = w.oid) "
      // In subqueries, so that no plan is better for one value of them than for all: the server keeps it.
      "from rows from (pg_catalog.unnest((select $1::pg_catalog.oid[])), "
      "pg_catalog.unnest((select $2::pg_catalog.text[]))) as w(oid, key)"_sql,
      {{oids.take()}, {keys.take()}});
  for (int row = 0; row < found.rows(); ++row) {
    const Leaf& leaf = *tables.leaf(static_cast<unsigned>(std::stoul(std::string{found.field(row, 0).value()})));
    if (found.field(row, 1) != described(leaf) || (found.field(row, 2) == "t") != leaf.triggers_before_update ||
        found.field(row, 3) != "t")
      throw changed(fmt::format("{} has changed its columns, key or triggers", leaf.name.text()));
  }
}

}  // namespace

void refuse_moves(const DeclaredTable& table, const sql::Operation& operation) {
  for (const auto& column : operation.assigned) {
    bool is_key = contains(table.key, column);
    if (!is_key && !contains(table.partition_columns, column)) continue;
    throw Error{"write.key",
                fmt::format("the statement sets {}, {} of {}: the journal follows rows by their key", column,
                            is_key ? "a column of the key" : "which decides about the partition", table.name.text()),
                "insert the row as it is to be, move what refers to it, and delete the old one"};
  }
}

void Watcher::prove(db::Writer& writer) {
  if (proved) return;
  // A bigint by chance: 15 hexadecimal digits fit.
  std::string lock = std::to_string(std::stoll(digest::random_hex(8).substr(0, 15), nullptr, 16));
  writer.query("select pg_catalog.pg_advisory_xact_lock($1)"_sql, {{lock, db::oid::int8}});
  if (witness.query("select pg_catalog.pg_try_advisory_lock($1)"_sql, {{lock, db::oid::int8}}).field(0, 0) == "t") {
    // Unless the writer's session has ended meanwhile, and its lock with it: this says so.
    writer.query("select"_sql);
    throw Error{"refused.witness", "the second session of opsh reached another server or database than the first",
                "a pooler or load balancer stands between: connect to the server itself"};
  }
  proved = true;
}

void Watcher::require_same_texts(db::Writer& writer) {
  constexpr sql::HostSql asked =
      "select pg_catalog.concat_ws(', ', current_user, pg_catalog.current_setting('DateStyle'), "
      "pg_catalog.current_setting('IntervalStyle'), pg_catalog.current_setting('TimeZone'), "
      "pg_catalog.current_setting('extra_float_digits'), pg_catalog.current_setting('bytea_output'), "
      "pg_catalog.current_setting('lc_monetary'), pg_catalog.current_setting('search_path'))"_sql;
  if (settings.empty()) settings = witness.query(asked).field(0, 0).value();
  std::string here{writer.repeated(asked).field(0, 0).value()};
  if (here == settings) return;
  throw Error{
      "proof.settings",
      fmt::format("the batch changed settings that texts in the journal depend on, from {} to {}", settings, here),
      "a function or a trigger did: let it set them for itself (alter function ... set ...)"};
}

void Watcher::compress_fast(db::Writer& writer) {
  if (!has_lz4)
    has_lz4 = writer
                  .query(
                      "select exists (select from pg_catalog.pg_settings as s where s.name = "
                      "'default_toast_compression' and 'lz4' = any(s.enumvals))"_sql)
                  .field(0, 0) == "t";
  if (*has_lz4) writer.query("select pg_catalog.set_config('default_toast_compression', 'lz4', true)"_sql);
}

Capture::Capture(db::Writer& writer, Watcher& watcher, std::shared_ptr<const Tables> tables, bool holding)
    : writer_(writer), watcher_(watcher), tables_(std::move(tables)), holding_(holding) {
  watcher_.prove(writer_);
  watcher_.counters.begin(writer_);
}

Capture::~Capture() {
  watcher_.witness.release();
}

Looker Capture::batch_looker() {
  return {[this](const auto& sql, const auto& parameters) { return writer_.query(sql, parameters); },
          writer_.connection()};
}

Looker Capture::witness_looker() {
  return {[this](const auto& sql, const auto& parameters) { return watcher_.witness.query(sql, parameters); },
          watcher_.witness.connection()};
}

void Capture::rollback_to_savepoint() {
  written_.take_back(marks_.back().written);
  told_ = std::move(marks_.back().told);
  watcher_.counters.take_back();
  marks_.pop_back();
}

Answer Capture::write(const DeclaredTable& table, unsigned relation, const sql::Operation& operation,
                      const sql::WriteSql& sql, const db::Parameters& parameters) {
  // A partitioned table that has no partition yet has no rows either.
  static const Leaf nothing;
  const Leaf* shape = tables_->leaf(relation);
  if (!shape) shape = table.leaves.empty() ? &nothing : tables_->leaf(table.leaves.front());
  bool all = operation.kind == sql::StatementKind::insert;
  if (operation.kind == sql::StatementKind::update)
    all = std::ranges::any_of(table.leaves, [&](unsigned oid) { return tables_->leaf(oid)->triggers_before_update; });

  Returned returned;
  returned.keys = table.key.size();
  std::vector<sql::Identifier> columns;
  for (const auto& name : table.key) columns.emplace_back(name);
  for (std::size_t column : stored_columns(*shape)) {
    const auto& name = shape->columns[column].name;
    if (!all && !contains(operation.assigned, name)) continue;
    if (operation.kind == sql::StatementKind::delete_) continue;
    columns.emplace_back(name);
    returned.images.push_back(name);
  }
  sql::Identifier row{operation.alias.empty() ? operation.name : operation.alias};
  using P = sql::WritePiece;
  std::vector<P> pieces{P{sql}, operation.has_returning ? P{"\n, "} : P{"\nreturning "}, P{row}, P{".tableoid"}};
  for (const auto& name : columns) pieces.insert(pieces.end(), {P{", "}, P{row}, P{"."}, P{name}});

  if (holding_) watcher_.witness.hold();
  returned.result =
      std::make_shared<const db::Result>(writer_.execute(sql::compose(std::span<const P>{pieces}), parameters));
  returned.at = returned.result->columns() - 1 - static_cast<int>(columns.size());
  Answer answer{returned.result, returned.at};
  written_.add(act_of(operation), std::move(returned));
  if (holding_)
    for (unsigned leaf : table.leaves)
      watcher_.witness.query(sql::compose_read({"select from only ", tables_->leaf(leaf)->name, " limit 0"}));
  return answer;
}

Evidence Capture::evidence() {
  return {*tables_, written_, watches_, batch_looker(), witness_looker(), [this](const std::string& name) {
            DeclaredName declared{name, true};
            return examine_tables(writer_, {&declared, 1});
          }};
}

void Capture::extend(std::shared_ptr<const Tables> tables) {
  for (const auto& leaf : tables_->leaves) {
    const Leaf* now = tables->leaf(leaf.oid);
    // Rows that were written are known by the key of then.
    if (!now || now->key != leaf.key || described(*now) != described(leaf))
      throw Error{"transaction.tables_changed",
                  fmt::format("{} is not what it was when the transaction began with it", leaf.name.text()),
                  "roll back, and begin anew"};
  }
  tables_ = std::move(tables);
}

StatementChanges Capture::last_statement(std::size_t most) {
  const Evidence evidence = this->evidence();
  const Indirect indirect = explain(evidence, watcher_.counters.so_far(writer_));
  StatementChanges changes;
  add_returned_rows(*tables_, written_, evidence.witness, most, changes);
  for (const auto& [oid, keys] : indirect.rows) {
    auto& told = told_[oid];
    std::vector<Key> found;
    for (const auto& key : keys)
      if (told.insert(key).second) found.push_back(key);
    add_indirect_rows(*tables_->leaf(oid), found, evidence.batch, evidence.witness, most, changes);
  }
  return changes;
}

Chunks Capture::changes() {
  const Evidence evidence = this->evidence();
  watcher_.require_same_texts(writer_);
  require_unchanged(writer_, *tables_, written_);
  Indirect indirect = explain(evidence, watcher_.counters.since_begin(writer_));
  Chunks chunks;
  for (const auto& leaf : tables_->leaves) {
    auto found = indirect.rows.find(leaf.oid);
    add_changes_of(leaf, written_, found == indirect.rows.end() ? nullptr : &found->second, evidence.batch,
                   evidence.witness, chunks);
  }
  return chunks;
}

std::uint64_t Capture::store(Chunks chunks, const std::string& run, int step, int batch) {
  watcher_.compress_fast(writer_);
  return chunks.store(writer_, run, step, batch);
}

}  // namespace opsh::journal
