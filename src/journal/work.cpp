#include "journal/work.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace opsh::journal {
namespace {

using sql::operator""_sql;

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

Answer Work::execute(const sql::WriteSql& sql, const db::Parameters& parameters) {
  const auto& operation = sql.operation();
  if (operation && operation->kind != sql::StatementKind::select) return write(*operation, sql, parameters);
  auto result = std::make_shared<const db::Result>(writer_.execute(sql, parameters));
  return {result, result->columns()};
}

Answer Work::write(const sql::Operation& operation, const sql::WriteSql& sql, const db::Parameters& parameters) {
  if (writes_.defines)
    throw Error{"write.undeclared", fmt::format("the statement changes rows of {}, in a schema step", operation.name),
                "put it into a step of its own, which has a journal"};
  unsigned oid = require_declared({operation.schema, operation.name});
  const DeclaredTable* table = writes_.tables && oid != 0 ? writes_.tables->declared_above(oid) : nullptr;
  require_columns(table ? table->oid : oid, operation);
  if (table) refuse_moves(*table, operation);
  Answer answer;
  if (table && capture_) {
    answer = capture_->write(*table, oid, operation, sql, parameters);
  } else {
    answer.result = std::make_shared<const db::Result>(writer_.execute(sql, parameters));
    answer.columns = answer.result->columns();
  }
  count_changed(answer.result->affected());
  return answer;
}

void Work::declare(Writes writes) {
  if (!capture_ || !writes.tables) throw Error{"internal", "tables were declared in a batch without a journal"};
  capture_->extend(writes.tables);
  writes_ = std::move(writes);
}

StatementChanges Work::last_statement(std::size_t most) {
  if (!capture_) throw Error{"internal", "a batch without a journal was asked for its changes"};
  return capture_->last_statement(most);
}

void Work::wake() {
  writer_.query("select"_sql);
  if (capture_) capture_->wake();
}

std::unique_ptr<RowsIn> Work::rows_in(const sql::QualifiedName& table, std::vector<sql::Identifier> columns) {
  if (writes_.defines)
    throw Error{"write.undeclared", fmt::format("rows are copied into {}, in a schema step", table.text()),
                "put it into a step of its own, which has a journal"};
  unsigned oid = require_declared(table);
  const DeclaredTable* declared = writes_.tables ? writes_.tables->declared_above(oid) : nullptr;
  sql::Operation operation;
  operation.kind = sql::StatementKind::insert;
  operation.name = table.name();
  require_columns(declared ? declared->oid : oid, operation);
  bool overriding = false;
  if (const Leaf* leaf = writes_.tables ? writes_.tables->leaf(oid) : nullptr)
    for (const auto& name : columns)
      for (const auto& column : leaf->columns) overriding |= column.identity_always && column.name == name.name();
  return std::make_unique<RowsIn>(*this, writer_, table, std::move(columns), writes_.tables != nullptr, overriding);
}

void Work::watch(const sql::QualifiedName& table, const sql::ReadSql& sql, const db::Parameters& parameters) {
  if (capture_) capture_->watch({relation(table), sql, parameters});
}

void Work::savepoint() {
  writer_.savepoint();
  ++savepoints_;
  if (capture_) capture_->savepoint();
}

void Work::release_savepoint() {
  writer_.release_savepoint();
  --savepoints_;
  recorded_within_ = std::min(recorded_within_, savepoints_);
  if (capture_) capture_->release_savepoint();
}

void Work::rollback_to_savepoint() {
  writer_.rollback_to_savepoint();
  --savepoints_;
  if (savepoints_ < recorded_within_) recorded_ = false;
  if (capture_) capture_->rollback_to_savepoint();
  if (watcher_) watcher_->counters.take_back();
}

unsigned Work::relation(const sql::QualifiedName& table) {
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

unsigned Work::require_declared(const sql::QualifiedName& table) {
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

void Work::require_columns(unsigned declared, const sql::Operation& operation) const {
  auto limited = writes_.columns.find(declared);
  if (limited == writes_.columns.end()) return;
  std::string allowed = fmt::format("the budget of this target allows UPDATE of {} in {}, and nothing else there",
                                    fmt::join(limited->second, ", "), operation.name);
  if (operation.kind != sql::StatementKind::update)
    throw Error{"refused.budget", "the statement adds or removes rows: " + allowed,
                "see budgets.tables in opsh.config.lua"};
  for (const auto& column : operation.assigned)
    if (std::ranges::find(limited->second, column) == limited->second.end())
      throw Error{"refused.budget", fmt::format("the statement sets {}: {}", column, allowed),
                  "see budgets.tables in opsh.config.lua"};
}

void Work::check_deferred() {
  writer_.execute("set constraints all immediate"_sql);
  if (!defer_again_) defer_again_ = deferring();
  writer_.execute(*defer_again_);
}

/// SET CONSTRAINTS names constraints by schema and name, not by table, and fails when one of them is not deferrable: a
/// name that such a constraint shares stays immediate.
sql::WriteSql Work::deferring() const {
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

std::vector<std::size_t> Work::recheck(const sql::WriteSql& recheck, const db::Parameters& parameters,
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

void Work::begin_checks() {
  savepoint();
  writer_.execute("set transaction read only"_sql);
}

void Work::end_checks() {
  rollback_to_savepoint();
}

void Work::refuse_doomed() {
  if (!writer_.doomed()) return;
  rollback();
  throw Error{"batch.doomed", "a statement of this batch failed and the script went on; nothing of it can be kept",
              "let the error pass, or put what may fail into tx:try_savepoint(function() ... end)"};
}

}  // namespace opsh::journal
