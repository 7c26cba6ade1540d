#include "sql/syntax.hpp"

#include <pg_query/pg_query.pb-c.h>

#include <string_view>

#include "sql/collector.hpp"
#include "sql/defining.hpp"
#include "sql/parser_thread.hpp"
#include "sql/recent.hpp"
#include "sql/tree.hpp"

namespace opsh::sql {

namespace {

using tree::location_of;
using tree::visit_children;

Syntax::Found found_at(const ProtobufCMessage& message) {
  return {message.descriptor->short_name, location_of(message)};
}

void look_through(const ProtobufCMessage& message, Syntax& syntax, Collector& names) {
  const std::string_view name = message.descriptor->short_name;
  names.take(message);
  if (message.descriptor == &pg_query__into_clause__descriptor) {
    if (!syntax.into) syntax.into = found_at(message);
  } else if (message.descriptor == &pg_query__locking_clause__descriptor) {
    const auto strength = reinterpret_cast<const PgQuery__LockingClause&>(message).strength;
    syntax.locks = true;
    // An unknown strength counts as a lock, but not as one to rely on.
    syntax.locks_against_changes |= strength == PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORUPDATE ||
                                    strength == PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORNOKEYUPDATE ||
                                    strength == PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORSHARE;
  } else if (name.ends_with("Stmt") && message.descriptor != &pg_query__select_stmt__descriptor) {
    if (!syntax.nested) syntax.nested = found_at(message);
  } else if (!is_known_node(name)) {
    if (!syntax.unknown) syntax.unknown = found_at(message);
    if (!syntax.unknown_in_definition && !is_known_in_definition(name))
      syntax.unknown_in_definition = found_at(message);
  }
  visit_children(message, [&](const ProtobufCMessage& child) { look_through(child, syntax, names); });
}

Operation operation_on(StatementKind kind, const PgQuery__RangeVar* target, bool has_returning) {
  Operation operation;
  operation.kind = kind;
  operation.has_returning = has_returning;
  if (target != nullptr) {
    operation.schema = target->schemaname;
    operation.name = target->relname;
    if (target->alias != nullptr) operation.alias = target->alias->aliasname;
  }
  return operation;
}

std::vector<std::string> assigned_in(PgQuery__Node* const* targets, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < count; ++at)
    if (targets[at]->node_case == PG_QUERY__NODE__NODE_RES_TARGET) names.emplace_back(targets[at]->res_target->name);
  return names;
}

Operation insertion(const PgQuery__InsertStmt& statement) {
  auto operation = operation_on(StatementKind::insert, statement.relation, statement.n_returning_list > 0);
  const auto* conflict = statement.on_conflict_clause;
  if (conflict != nullptr && conflict->action == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_UPDATE) {
    operation.upsert = true;
    operation.assigned = assigned_in(conflict->target_list, conflict->n_target_list);
  }
  return operation;
}

Operation update(const PgQuery__UpdateStmt& statement) {
  auto operation = operation_on(StatementKind::update, statement.relation, statement.n_returning_list > 0);
  operation.assigned = assigned_in(statement.target_list, statement.n_target_list);
  return operation;
}

std::optional<Operation> operation_of(const PgQuery__Node& node) {
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
      return operation_on(StatementKind::select, nullptr, false);
    case PG_QUERY__NODE__NODE_INSERT_STMT:
      return insertion(*node.insert_stmt);
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
      return update(*node.update_stmt);
    case PG_QUERY__NODE__NODE_DELETE_STMT:
      return operation_on(StatementKind::delete_, node.delete_stmt->relation, node.delete_stmt->n_returning_list > 0);
    default:
      return std::nullopt;
  }
}

/// The statement that a Node holds; nullptr when it holds nothing that this library knows.
const ProtobufCMessage* held_by(const PgQuery__Node* node) {
  const ProtobufCMessage* held = nullptr;
  if (node != nullptr) visit_children(node->base, [&](const ProtobufCMessage& child) { held = &child; });
  return held;
}

Syntax examine_here(const std::string& text) {
  Syntax syntax;
  const auto [tree, fault, position] = tree::parse(text);
  if (!tree) {
    syntax.fault = {fault, position};
    return syntax;
  }
  syntax.statements = tree->n_stmts;
  if (tree->n_stmts == 0) return syntax;
  if (tree->n_stmts > 1) syntax.second = static_cast<std::size_t>(tree->stmts[1]->stmt_location);

  const PgQuery__Node* node = tree->stmts[0]->stmt;
  const ProtobufCMessage* top = held_by(node);
  if (top == nullptr) return syntax;
  syntax.top = top->descriptor->short_name;
  syntax.operation = operation_of(*node);
  if (!syntax.operation) syntax.definition = defined_by(*node);
  if (node->node_case == PG_QUERY__NODE__NODE_EXPLAIN_STMT) {
    const ProtobufCMessage* explained = held_by(node->explain_stmt->query);
    if (explained != nullptr) syntax.explained = explained->descriptor->short_name;
  }
  Collector names;
  if (node->node_case == PG_QUERY__NODE__NODE_SELECT_STMT) {
    look_through(*top, syntax, names);
  } else {
    visit_children(*top, [&](const ProtobufCMessage& child) { look_through(child, syntax, names); });
  }
  syntax.references = std::make_shared<const References>(std::move(names).references());
  return syntax;
}

}  // namespace

std::shared_ptr<const Syntax> examine(const std::string& text) {
  // Never destroyed, as the parser thread.
  static auto& recent = *new Recent<Syntax>;
  if (auto known = recent.find(text)) return known;
  Syntax syntax;
  on_parser_thread([&] { syntax = examine_here(text); });
  return recent.keep(text, std::move(syntax));
}

}  // namespace opsh::sql
