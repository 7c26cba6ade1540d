#include "sql/shape.hpp"

#include <algorithm>
#include <optional>

#include "sql/gate.hpp"
#include "sql/parser_thread.hpp"
#include "sql/tree.hpp"

namespace opsh::sql {
namespace {

using Pins = std::vector<Shape::Pin>;

std::string word(const PgQuery__Node& node) {
  return node.node_case == PG_QUERY__NODE__NODE_STRING ? node.string->sval : "";
}

/// A value that is written out, or a parameter.
bool is_value(const PgQuery__Node* node) {
  auto all = [](PgQuery__Node* const* list, std::size_t count) {
    return std::all_of(list, list + count, [](const PgQuery__Node* each) { return is_value(each); });
  };
  if (node == nullptr) return false;
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST:
    case PG_QUERY__NODE__NODE_PARAM_REF:
      return true;
    case PG_QUERY__NODE__NODE_TYPE_CAST:
      return is_value(node->type_cast->arg);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return all(node->a_array_expr->elements, node->a_array_expr->n_elements);
    case PG_QUERY__NODE__NODE_ROW_EXPR:
      return all(node->row_expr->args, node->row_expr->n_args);
    case PG_QUERY__NODE__NODE_LIST:
      return all(node->list->items, node->list->n_items);
    default:
      return false;
  }
}

/// The column, or the columns of a row of them; nothing for anything else.
Pins columns_of(const PgQuery__Node* node) {
  if (node == nullptr) return {};
  if (node->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
    Pins all;
    for (std::size_t at = 0; at < node->row_expr->n_args; ++at) {
      const Pins each = columns_of(node->row_expr->args[at]);
      if (each.empty()) return {};
      all.insert(all.end(), each.begin(), each.end());
    }
    return all;
  }
  if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return {};
  const auto& column = *node->column_ref;
  const std::size_t count = column.n_fields;
  const std::string name = word(*column.fields[count - 1]);
  if (name.empty()) return {};
  return {{count > 1 ? word(*column.fields[count - 2]) : "", name}};
}

Pins pins_of(const PgQuery__Node* node);

Pins pins_of(const PgQuery__AExpr& expression) {
  if (expression.n_name != 1 || word(*expression.name[0]) != "=") return {};
  switch (expression.kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
      if (is_value(expression.rexpr)) return columns_of(expression.lexpr);
      return is_value(expression.lexpr) ? columns_of(expression.rexpr) : Pins{};
    default:
      return {};
  }
}

/// `id = 1 or id = 2` pins what each side pins, when it is the same; AND what they pin together.
Pins pins_of(const PgQuery__BoolExpr& expression) {
  auto same = [](const Pins& one, const Pins& other) {
    return std::ranges::equal(one, other, [](const Shape::Pin& left, const Shape::Pin& right) {
      return left.qualifier == right.qualifier && left.column == right.column;
    });
  };
  Pins all;
  for (std::size_t at = 0; at < expression.n_args; ++at) {
    const Pins each = pins_of(expression.args[at]);
    if (each.empty()) return {};
    if (expression.boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
      all.insert(all.end(), each.begin(), each.end());
    } else if (at > 0 && !same(all, each)) {
      return {};
    } else {
      all = each;
    }
  }
  return expression.boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR ? Pins{} : all;
}

Pins pins_of(const PgQuery__Node* node) {
  if (node != nullptr && node->node_case == PG_QUERY__NODE__NODE_A_EXPR) return pins_of(*node->a_expr);
  if (node != nullptr && node->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR) return pins_of(*node->bool_expr);
  return {};
}

std::vector<Pins> conditions_of(const PgQuery__Node* where) {
  if (where == nullptr) return {};
  const bool joined = where->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
                      where->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR;
  if (!joined) return {pins_of(where)};
  std::vector<Pins> all;
  for (std::size_t at = 0; at < where->bool_expr->n_args; ++at) all.push_back(pins_of(where->bool_expr->args[at]));
  return all;
}

Shape::Source source_of(const PgQuery__RangeVar& table) {
  return {table.schemaname, table.relname, table.alias != nullptr ? table.alias->aliasname : ""};
}

void add_sources(const PgQuery__Node* node, std::vector<Shape::Source>& sources) {
  if (node != nullptr && node->node_case == PG_QUERY__NODE__NODE_RANGE_VAR)
    sources.push_back(source_of(*node->range_var));
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_JOIN_EXPR) return;
  add_sources(node->join_expr->larg, sources);
  add_sources(node->join_expr->rarg, sources);
}

void take(Shape& shape, PgQuery__Node* const* from, std::size_t count, const PgQuery__Node* where) {
  for (std::size_t at = 0; at < count; ++at) add_sources(from[at], shape.sources);
  shape.conditions = conditions_of(where);
}

void take_select(Shape& shape, const PgQuery__SelectStmt& select) {
  shape.limited = select.limit_count != nullptr || select.limit_offset != nullptr;
  shape.plain = !shape.limited && select.with_clause == nullptr && select.n_distinct_clause == 0 &&
                select.n_group_clause == 0 && select.having_clause == nullptr && select.n_window_clause == 0 &&
                select.n_locking_clause == 0 && select.n_values_lists == 0 &&
                select.op == PG_QUERY__SET_OPERATION__SETOP_NONE;
  take(shape, select.from_clause, select.n_from_clause, select.where_clause);
}

void take_insert(Shape& shape, const PgQuery__InsertStmt& insert) {
  for (std::size_t at = 0; at < insert.n_cols; ++at)
    if (insert.cols[at]->node_case == PG_QUERY__NODE__NODE_RES_TARGET)
      shape.columns.emplace_back(insert.cols[at]->res_target->name);
  if (insert.select_stmt != nullptr && insert.select_stmt->node_case == PG_QUERY__NODE__NODE_SELECT_STMT)
    take_select(shape, *insert.select_stmt->select_stmt);
}

void add_relations(const ProtobufCMessage& message, std::vector<Shape::Source>& relations) {
  if (message.descriptor == &pg_query__range_var__descriptor)
    relations.push_back(source_of(reinterpret_cast<const PgQuery__RangeVar&>(message)));
  tree::visit_children(message, [&](const ProtobufCMessage& child) { add_relations(child, relations); });
}

void examine(Shape& shape, const std::string& text) {
  const auto parsed = tree::parse(text);
  if (!parsed.tree) return;
  add_relations(parsed.tree->base, shape.relations);
  const PgQuery__Node& node = *parsed.tree->stmts[0]->stmt;
  if (node.node_case == PG_QUERY__NODE__NODE_SELECT_STMT) take_select(shape, *node.select_stmt);
  if (node.node_case == PG_QUERY__NODE__NODE_INSERT_STMT) take_insert(shape, *node.insert_stmt);
  if (node.node_case == PG_QUERY__NODE__NODE_UPDATE_STMT)
    take(shape, node.update_stmt->from_clause, node.update_stmt->n_from_clause, node.update_stmt->where_clause);
  if (node.node_case == PG_QUERY__NODE__NODE_DELETE_STMT)
    take(shape, node.delete_stmt->using_clause, node.delete_stmt->n_using_clause, node.delete_stmt->where_clause);
}

}  // namespace

Shape shape_of(const Rendered& rendered) {
  Shape shape;
  shape.operation = *gate_write(rendered).operation();
  on_parser_thread([&] { examine(shape, rendered.text()); });
  return shape;
}

}  // namespace opsh::sql
