#include "journal/batch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "digest/random.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;

std::string text_array(const std::vector<std::string>& values) {
  db::ArrayText array;
  for (const auto& value : values) array.add(value);
  return array.take();
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional{text};
}

/// Numbers the items that `recheck` still finds. The server compares the keys.
sql::WriteSql numbering(const sql::WriteSql& recheck, db::Parameters& parameters,
                        const std::vector<db::RelationColumn>& keys) {
  std::vector<sql::Parameter> arrays;
  std::vector<sql::Identifier> names;
  for (const auto& column : keys) {
    arrays.emplace_back(static_cast<int>(parameters.add(column.elements, column.type.array)));
    names.emplace_back(column.name);
  }
  using P = sql::WritePiece;
  std::vector<P> pieces{P{"with opsh_still as materialized ("}, P{recheck},
                        P{"\n) select opsh_item.opsh_number from rows from ("}};
  for (std::size_t at = 0; at < arrays.size(); ++at)
    pieces.insert(pieces.end(), {at ? P{", "} : P{""}, P{"pg_catalog.unnest("}, P{arrays[at]}, P{")"}});
  pieces.push_back(") with ordinality as opsh_item(");
  for (const auto& name : names) pieces.insert(pieces.end(), {P{name}, P{", "}});
  pieces.push_back("opsh_number) where (");
  for (std::size_t at = 0; at < names.size(); ++at)
    pieces.insert(pieces.end(), {at ? P{", opsh_item."} : P{"opsh_item."}, P{names[at]}});
  pieces.push_back(") in (select ");
  for (std::size_t at = 0; at < names.size(); ++at)
    pieces.insert(pieces.end(), {at ? P{", opsh_still."} : P{"opsh_still."}, P{names[at]}});
  // The count has it read, and so locked, to its end before anything is compared: a join may stop earlier.
  pieces.push_back(
      " from opsh_still) and (select pg_catalog.count(*) from opsh_still) >= 0 order by opsh_item.opsh_number");
  return sql::compose(std::span<const P>{pieces});
}

}  // namespace

Batch::Batch(Ledger& ledger, Claim claim, Writes writes)
    : writer_(ledger.writer()),
      claim_(std::move(claim)),
      writes_(std::move(writes)),
      token_(digest::random_hex(16)),
      began_(std::chrono::steady_clock::now()) {
  // Before BEGIN: it takes a while to connect.
  Watcher* watcher = writes_.tables ? &ledger.watcher() : nullptr;
  writer_.begin(db::CommitKey{});
  open_ = true;
  try {
    fence(writer_, claim_);
    if (watcher) capture_.emplace(writer_, *watcher, writes_.tables, writes_.atomic);
  } catch (const Error&) {
    rollback();
    throw;
  }
}

Batch::~Batch() {
  rollback();
}

void Batch::rollback() noexcept {
  if (!open_) return;
  open_ = false;
  writer_.rollback();
  capture_.reset();
}

Answer Batch::execute(const sql::WriteSql& sql, const db::Parameters& parameters) {
  const auto& operation = sql.operation();
  if (operation && operation->kind != sql::StatementKind::select) return write(*operation, sql, parameters);
  auto result = std::make_shared<const db::Result>(writer_.execute(sql, parameters));
  return {result, result->columns()};
}

Answer Batch::write(const sql::Operation& operation, const sql::WriteSql& sql, const db::Parameters& parameters) {
  unsigned oid = require_declared({operation.schema, operation.name});
  const DeclaredTable* table = capture_ && oid != 0 ? writes_.tables->declared_above(oid) : nullptr;
  if (table) return capture_->write(*table, oid, operation, sql, parameters);
  auto result = std::make_shared<const db::Result>(writer_.execute(sql, parameters));
  return {result, result->columns()};
}

std::unique_ptr<RowsIn> Batch::rows_in(const sql::QualifiedName& table, std::vector<sql::Identifier> columns) {
  unsigned oid = require_declared(table);
  bool overriding = false;
  if (const Leaf* leaf = capture_ ? writes_.tables->leaf(oid) : nullptr)
    for (const auto& name : columns)
      for (const auto& column : leaf->columns) overriding |= column.identity_always && column.name == name.name();
  return std::make_unique<RowsIn>(*this, writer_, table, std::move(columns), capture_.has_value(), overriding);
}

void Batch::watch(const sql::QualifiedName& table, const sql::ReadSql& sql, const db::Parameters& parameters) {
  if (capture_) capture_->watch({relation(table), sql, parameters});
}

void Batch::savepoint() {
  writer_.savepoint();
  if (capture_) capture_->savepoint();
}

void Batch::release_savepoint() {
  writer_.release_savepoint();
  if (capture_) capture_->release_savepoint();
}

void Batch::rollback_to_savepoint() {
  writer_.rollback_to_savepoint();
  if (capture_) capture_->rollback_to_savepoint();
}

unsigned Batch::relation(const sql::QualifiedName& table) {
  const std::string& name = table.text();
  auto known = relations_.find(name);
  if (known == relations_.end()) {
    db::Result row = writer_.execute("select pg_catalog.to_regclass($1)::pg_catalog.oid"_sql, {{name, db::oid::text}});
    auto oid = row.field(0, 0);
    if (!oid) return 0;
    known = relations_.emplace(name, static_cast<unsigned>(std::stoul(std::string{*oid}))).first;
  }
  return known->second;
}

unsigned Batch::require_declared(const sql::QualifiedName& table) {
  unsigned oid = relation(table);
  // A name that does not exist is left to the server, which says so with the place in the statement.
  if (oid == 0) return 0;
  bool declared = writes_.tables ? writes_.tables->declared_above(oid) != nullptr
                                 : std::ranges::find(writes_.oids, oid) != writes_.oids.end();
  if (!declared)
    throw Error{"write.undeclared",
                fmt::format("the statement changes {}, which the step does not declare", table.text()),
                fmt::format("add {} to the step's writes", table.text())};
  return oid;
}

void Batch::check_deferred() {
  writer_.execute("set constraints all immediate"_sql);
  if (!defer_again_) defer_again_ = deferring();
  writer_.execute(*defer_again_);
}

/// SET CONSTRAINTS names constraints by schema and name, not by table, and fails when one of them is not deferrable: a
/// name that such a constraint shares stays immediate.
sql::WriteSql Batch::deferring() const {
  db::Result found = writer_.execute(
      "select n.nspname, c.conname from pg_catalog.pg_constraint as c "
      "join pg_catalog.pg_namespace as n on n.oid = c.connamespace "
      "group by n.nspname, c.conname having pg_catalog.bool_or(c.condeferred) and pg_catalog.bool_and(c.condeferrable)"_sql);
  if (found.rows() == 0) return "select"_sql;
  std::vector<sql::QualifiedName> names;
  for (int row = 0; row < found.rows(); ++row)
    names.emplace_back(std::string{*found.field(row, 0)}, std::string{*found.field(row, 1)});
  std::vector<sql::WritePiece> pieces;
  for (const auto& name : names) {
    pieces.emplace_back(pieces.empty() ? sql::WritePiece{"set constraints "} : sql::WritePiece{", "});
    pieces.emplace_back(name);
  }
  pieces.emplace_back(" deferred"_sql);
  return sql::compose(std::span<const sql::WritePiece>{pieces});
}

std::vector<std::size_t> Batch::recheck(const sql::WriteSql& recheck, const db::Parameters& parameters,
                                        const plan::Items& items) {
  if (!recheck.operation() || recheck.operation()->kind != sql::StatementKind::select)
    throw Error{"recheck.writes", "recheck changes rows", "let it lock them and return their keys; apply changes them"};
  auto keys = items.relation(items.keys());
  auto shape = writer_.describe(recheck, parameters);
  for (const auto& column : keys)
    if (std::ranges::find(shape, column.name, &db::ColumnShape::name) == shape.end())
      throw Error{"recheck.key", fmt::format("recheck does not return the key column {}", column.name),
                  "select the columns of the key, under the plan's names"};
  db::Parameters with_keys = parameters;
  auto numbered = numbering(recheck, with_keys, keys);

  auto snapshot = [&] {
    return std::string{*writer_.execute("select pg_catalog.pg_current_snapshot()"_sql).field(0, 0)};
  };
  // The first answer may be stale: who waits for a lock gets the row as it is then, and the rest of the query as it was
  // before. When nobody has committed meanwhile, there is nothing to look at again.
  std::string before = snapshot();
  db::Result still = writer_.execute(numbered, with_keys);
  if (snapshot() != before) still = writer_.execute(numbered, with_keys);
  std::vector<std::size_t> rows;
  for (int row = 0; row < still.rows(); ++row)
    rows.push_back(static_cast<std::size_t>(std::stoull(std::string{*still.field(row, 0)})) - 1);
  return rows;
}

void Batch::begin_checks() {
  writer_.savepoint();
  writer_.execute("set transaction read only"_sql);
}

void Batch::end_checks() {
  writer_.rollback_to_savepoint();
}

Outcome Batch::commit() {
  if (!recorded_) throw Error{"internal", "a batch was about to be committed without its row in the ledger"};
  open_ = false;
  capture_.reset();
  switch (writer_.commit(db::CommitKey{})) {
    case db::CommitAnswer::committed:
      return Outcome::committed;
    case db::CommitAnswer::rolled_back:
      return Outcome::rolled_back;
    case db::CommitAnswer::unknown:
      break;
  }
  return Outcome::in_doubt;
}

void Batch::record(const Place& place, std::size_t items, const std::vector<LeftOut>& left_out,
                   const std::string& figures) {
  if (writer_.doomed()) {
    rollback();
    throw Error{"batch.doomed", "a statement of this batch failed and the script went on; nothing of it can be kept",
                "let the error pass, or put what may fail into tx:try_savepoint(function() ... end)"};
  }
  // Before anything is recorded, because a deferred trigger may still write, and a deferred constraint may still
  // refuse.
  writer_.execute("set constraints all immediate"_sql);
  std::optional<Chunks> changes;
  if (capture_) changes = capture_->changes();
  auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_);
  auto failed =
      std::count_if(left_out.begin(), left_out.end(), [](const auto& item) { return item.outcome == "failed"; });
  auto number = [](auto value) { return std::to_string(value); };
  writer_.repeated(
      "insert into opsh.batch (run, step, number, position, first_key, last_key, items, skipped, failed, figures, "
      "token, milliseconds) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"_sql,
      {{claim_.run, db::oid::text},
       {number(place.step), db::oid::int4},
       {number(place.number), db::oid::int4},
       {number(place.position), db::oid::int8},
       {text_array(place.first_key), db::oid::text_array},
       {text_array(place.last_key), db::oid::text_array},
       {number(items), db::oid::int4},
       {number(static_cast<long long>(left_out.size()) - failed), db::oid::int4},
       {number(failed), db::oid::int4},
       {figures, db::oid::jsonb},
       {token_, db::oid::text},
       {number(elapsed.count()), db::oid::int4}});
  for (const auto& item : left_out)
    writer_.execute(
        "insert into opsh.left_out (run, step, batch, key, outcome, sqlstate, message) "
        "values ($1, $2, $3, $4, $5, $6, $7)"_sql,
        {{claim_.run, db::oid::text},
         {number(place.step), db::oid::int4},
         {number(place.number), db::oid::int4},
         {text_array(item.key), db::oid::text_array},
         {item.outcome, db::oid::text},
         {unless_empty(item.sqlstate), db::oid::text},
         {unless_empty(item.message), db::oid::text}});
  if (changes) capture_->store(std::move(*changes), claim_.run, place.step, place.number);
  recorded_ = true;
}

}  // namespace opsh::journal
