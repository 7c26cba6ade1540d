#include "sql/collector.hpp"

#include <cstdint>
#include <string_view>
#include <unordered_set>

namespace opsh::sql {
namespace {

// With the JSON nodes of newer grammars. Kinds that only the analyzed tree has are none of a parser's.
const std::unordered_set<std::string_view> known_nodes = {
    // What a node is made of.
    "Node", "List", "String", "Integer", "Float", "Boolean", "BitString", "AConst", "AStar",
    // Statements; which of them, and where, the gate says.
    "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "ExplainStmt", "DefElem", "IntoClause",
    // Sources of rows.
    "RangeVar", "Alias", "RangeSubselect", "RangeFunction", "RangeTableSample", "RangeTableFunc", "RangeTableFuncCol",
    "JoinExpr", "ColumnDef", "WithClause", "CommonTableExpr", "CTESearchClause", "CTECycleClause",
    // Clauses.
    "ResTarget", "SortBy", "WindowDef", "GroupingSet", "LockingClause", "OnConflictClause", "InferClause", "IndexElem",
    "MultiAssignRef", "SetToDefault",
    // Expressions.
    "AExpr", "AIndices", "AIndirection", "AArrayExpr", "ColumnRef", "ParamRef", "FuncCall", "NamedArgExpr", "TypeCast",
    "TypeName", "CollateClause", "BoolExpr", "NullTest", "BooleanTest", "SubLink", "CaseExpr", "CaseWhen",
    "CoalesceExpr", "MinMaxExpr", "RowExpr", "SQLValueFunction", "XmlExpr", "XmlSerialize", "GroupingFunc",
    // SQL/JSON, from 16 on: functions of pg_catalog, and types, which are collected.
    "JsonObjectConstructor", "JsonArrayConstructor", "JsonArrayQueryConstructor", "JsonAggConstructor", "JsonObjectAgg",
    "JsonArrayAgg", "JsonOutput", "JsonReturning", "JsonFormat", "JsonValueExpr", "JsonKeyValue", "JsonIsPredicate",
    "JsonParseExpr", "JsonScalarExpr", "JsonSerializeExpr", "JsonFuncExpr", "JsonTable", "JsonTableColumn",
    "JsonTablePathSpec", "JsonBehavior", "JsonArgument"};

template <class Node>
const Node& as(const ProtobufCMessage& node) {
  return reinterpret_cast<const Node&>(node);
}

std::optional<std::size_t> at(std::int32_t location) {
  // 0 is also what a node without a location says; nothing that is named stands at the first byte of a statement.
  return location > 0 ? std::optional{static_cast<std::size_t>(location)} : std::nullopt;
}

std::string_view word(const PgQuery__Node& node) {
  return node.node_case == PG_QUERY__NODE__NODE_STRING ? std::string_view{node.string->sval} : std::string_view{};
}

}  // namespace

bool is_known_node(std::string_view kind) {
  return known_nodes.contains(kind);
}

void Collector::take(const ProtobufCMessage& node) {
  if (node.descriptor == &pg_query__a__expr__descriptor) {
    expression(as<PgQuery__AExpr>(node));
  } else if (node.descriptor == &pg_query__func_call__descriptor) {
    function(as<PgQuery__FuncCall>(node));
  } else if (node.descriptor == &pg_query__column_ref__descriptor) {
    column(as<PgQuery__ColumnRef>(node));
  } else if (node.descriptor == &pg_query__a__indirection__descriptor) {
    fields(as<PgQuery__AIndirection>(node));
  } else if (node.descriptor == &pg_query__type_name__descriptor) {
    const auto& type = as<PgQuery__TypeName>(node);
    add(Kind::type, type.names, type.n_names, at(type.location));
  } else if (node.descriptor == &pg_query__range_var__descriptor) {
    const auto& relation = as<PgQuery__RangeVar>(node);
    add(Kind::relation, relation.schemaname, relation.relname, at(relation.location));
  } else if (node.descriptor == &pg_query__sub_link__descriptor) {
    sublink(as<PgQuery__SubLink>(node));
  } else if (node.descriptor == &pg_query__case_expr__descriptor) {
    case_(as<PgQuery__CaseExpr>(node));
  } else if (node.descriptor == &pg_query__join_expr__descriptor) {
    join(as<PgQuery__JoinExpr>(node));
  } else if (node.descriptor == &pg_query__sort_by__descriptor) {
    const auto& sort = as<PgQuery__SortBy>(node);
    if (sort.n_use_op > 0) add(Kind::operator_, sort.use_op, sort.n_use_op, at(sort.location));
  } else if (node.descriptor == &pg_query__range_table_sample__descriptor) {
    const auto& sample = as<PgQuery__RangeTableSample>(node);
    add(Kind::function, sample.method, sample.n_method, at(sample.location));
  }
}

void Collector::add(Kind kind, std::string schema, std::string name, Location location) {
  if (name.empty() || !seen_.emplace(kind, schema, name).second) return;
  references_.push_back({kind, std::move(schema), std::move(name), location});
}

/// `name`, `schema.name` or `database.schema.name`.
void Collector::add(Kind kind, PgQuery__Node* const* names, std::size_t count, Location location) {
  if (count == 0) return;
  add(kind, count > 1 ? std::string{word(*names[count - 2])} : std::string{}, std::string{word(*names[count - 1])},
      location);
}

void Collector::expression(const PgQuery__AExpr& expression) {
  const auto location = at(expression.location);
  switch (expression.kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
      // The tree has the word; the server looks up the operators that it stands for.
      for (const char* name : {"<", "<=", ">", ">="}) add(Kind::operator_, "", name, location);
      return;
    default:
      add(Kind::operator_, expression.name, expression.n_name, location);
  }
}

void Collector::function(const PgQuery__FuncCall& call) {
  const auto location = at(call.location);
  add(Kind::function, call.funcname, call.n_funcname, location);
  // It may be a cast to a type of that name, or make a range of it.
  add(Kind::type, call.funcname, call.n_funcname, location);
}

void Collector::column(const PgQuery__ColumnRef& column) {
  if (column.n_fields > 1)
    add(Kind::attribute, "", std::string{word(*column.fields[column.n_fields - 1])}, at(column.location));
}

void Collector::fields(const PgQuery__AIndirection& indirection) {
  for (std::size_t i = 0; i < indirection.n_indirection; ++i)
    add(Kind::attribute, "", std::string{word(*indirection.indirection[i])}, std::nullopt);
}

void Collector::sublink(const PgQuery__SubLink& sublink) {
  if (sublink.n_oper_name > 0) {
    add(Kind::operator_, sublink.oper_name, sublink.n_oper_name, at(sublink.location));
  } else if (sublink.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK) {
    add(Kind::operator_, "", "=", at(sublink.location));
  }
}

void Collector::case_(const PgQuery__CaseExpr& expression) {
  if (expression.arg != nullptr) add(Kind::operator_, "", "=", at(expression.location));
}

void Collector::join(const PgQuery__JoinExpr& join) {
  if (join.is_natural || join.n_using_clause > 0) add(Kind::operator_, "", "=", std::nullopt);
}

}  // namespace opsh::sql
