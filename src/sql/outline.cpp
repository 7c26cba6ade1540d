#include "sql/outline.hpp"

#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "sql/identifier.hpp"
#include "sql/parser_thread.hpp"
#include "sql/rendered.hpp"
#include "sql/scanner.hpp"
#include "sql/tree.hpp"

namespace opsh::sql {
namespace {

// A placeholder that may be a relation stands as a table of this name and its own; any other value is a column.
constexpr std::string_view relation_mark = "opsh :", value_mark = "opsh value";

template <class Node>
const Node* as(const ProtobufCMessage& message, const ProtobufCMessageDescriptor& descriptor) {
  return message.descriptor == &descriptor ? reinterpret_cast<const Node*>(&message) : nullptr;
}

std::string word(const PgQuery__Node& node) {
  return node.node_case == PG_QUERY__NODE__NODE_STRING ? node.string->sval : "";
}

bool is_null(const PgQuery__Node* node) {
  return node != nullptr && node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->isnull;
}

Rendered marked(const Template& statement) {
  std::vector<std::string> replacements;
  for (const auto& each : statement.placeholders()) {
    const bool is_relation = each.name == "items" || (each.has_alias && !each.name.empty());
    const std::string mark = is_relation ? std::string{relation_mark} + each.name : std::string{value_mark};
    replacements.push_back(Identifier{mark}.text());
    if (is_relation && !each.has_alias) replacements.back() += " as " + Identifier{each.name}.text();
  }
  return statement.render(replacements);
}

class Reviewer {
 public:
  Reviewer(const Rendered& rendered, Outline& found) : rendered_(rendered), found_(found) {}

  void take(const ProtobufCMessage& message) {
    if (const auto* call = as<PgQuery__FuncCall>(message, pg_query__func_call__descriptor)) {
      found_.functions.push_back({word(*call->funcname[call->n_funcname - 1]), at(call->location)});
    } else if (const auto* value = as<PgQuery__SQLValueFunction>(message, pg_query__sqlvalue_function__descriptor)) {
      found_.functions.push_back({word_at(at(value->location)), at(value->location)});
    } else if (const auto* column = as<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor)) {
      field(*column);
    } else if (const auto* expression = as<PgQuery__AExpr>(message, pg_query__a__expr__descriptor)) {
      comparison(*expression);
    } else if (const auto* table = as<PgQuery__RangeVar>(message, pg_query__range_var__descriptor)) {
      const std::string_view name{table->relname};
      if (name.starts_with(relation_mark))
        found_.relations.push_back(
            {table->alias ? table->alias->aliasname : "", std::string{name.substr(relation_mark.size())}});
    }
    tree::visit_children(message, [&](const ProtobufCMessage& child) { take(child); });
  }

  void top(const PgQuery__Node& node) {
    switch (node.node_case) {
      case PG_QUERY__NODE__NODE_SELECT_STMT:
        found_.kind = StatementKind::select;
        return select(*node.select_stmt);
      case PG_QUERY__NODE__NODE_INSERT_STMT:
        target(StatementKind::insert, node.insert_stmt->relation);
        return insertion(*node.insert_stmt);
      case PG_QUERY__NODE__NODE_UPDATE_STMT:
        found_.has_where = node.update_stmt->where_clause != nullptr;
        return target(StatementKind::update, node.update_stmt->relation);
      case PG_QUERY__NODE__NODE_DELETE_STMT:
        found_.has_where = node.delete_stmt->where_clause != nullptr;
        return target(StatementKind::delete_, node.delete_stmt->relation);
      default:
        return;
    }
  }

 private:
  std::size_t at(std::int32_t location) const {
    return rendered_.author_offset(static_cast<std::size_t>(std::max(location, 0))).value_or(0);
  }

  std::string word_at(std::size_t offset) const {
    std::string found;
    for (const char c : std::string_view{rendered_.author_sql()}.substr(offset)) {
      const bool upper = c >= 'A' && c <= 'Z';
      if (!upper && !(c >= 'a' && c <= 'z') && c != '_') break;
      found.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
    }
    return found;
  }

  void field(const PgQuery__ColumnRef& column) {
    if (column.n_fields != 2) return;
    const std::string name = word(*column.fields[1]);
    if (!name.empty()) found_.fields.push_back({word(*column.fields[0]), name, at(column.location)});
  }

  void comparison(const PgQuery__AExpr& expression) {
    if (expression.kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP || expression.n_name != 1) return;
    const std::string name = word(*expression.name[0]);
    if ((name == "=" || name == "<>" || name == "!=") && (is_null(expression.lexpr) || is_null(expression.rexpr)))
      found_.null_comparisons.push_back(at(expression.location));
  }

  void target(StatementKind kind, const PgQuery__RangeVar* relation) {
    found_.kind = kind;
    found_.target = {relation->schemaname, relation->relname};
    found_.target_offset = at(relation->location);
  }

  /// What a column of the result is called; nothing when the text does not say.
  static std::optional<std::string> name_of(const PgQuery__Node& node) {
    switch (node.node_case) {
      case PG_QUERY__NODE__NODE_COLUMN_REF: {
        const auto& column = *node.column_ref;
        const std::string last = word(*column.fields[column.n_fields - 1]);
        return last.empty() ? std::nullopt : std::optional{last};  // a star
      }
      case PG_QUERY__NODE__NODE_FUNC_CALL:
        return word(*node.func_call->funcname[node.func_call->n_funcname - 1]);
      case PG_QUERY__NODE__NODE_TYPE_CAST:
        if (auto inner = name_of(*node.type_cast->arg); inner && *inner != "?column?") return inner;
        return std::nullopt;
      case PG_QUERY__NODE__NODE_A_EXPR:
      case PG_QUERY__NODE__NODE_A_CONST:
      case PG_QUERY__NODE__NODE_BOOL_EXPR:
      case PG_QUERY__NODE__NODE_NULL_TEST:
        return "?column?";
      default:
        return std::nullopt;
    }
  }

  static const PgQuery__SelectStmt& first_of(const PgQuery__SelectStmt& statement) {
    const PgQuery__SelectStmt* first = &statement;
    while (first->larg != nullptr) first = first->larg;
    return *first;
  }

  /// How many columns a SELECT gives; nothing where a star stands for some.
  static std::optional<std::size_t> width_of(const PgQuery__SelectStmt& statement) {
    for (std::size_t i = 0; i < statement.n_target_list; ++i) {
      const PgQuery__Node* value = statement.target_list[i]->res_target->val;
      if (value->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) continue;
      if (word(*value->column_ref->fields[value->column_ref->n_fields - 1]).empty()) return std::nullopt;
    }
    return statement.n_target_list > 0 ? std::optional{statement.n_target_list} : std::nullopt;
  }

  void select(const PgQuery__SelectStmt& statement) {
    found_.has_limit = statement.limit_count != nullptr;
    found_.has_order = statement.n_sort_clause > 0;
    const PgQuery__SelectStmt& first = first_of(statement);
    std::vector<std::string> columns;
    for (std::size_t i = 0; i < first.n_target_list; ++i) {
      const auto& result = *first.target_list[i]->res_target;
      const bool is_named = result.name != nullptr && *result.name != '\0';
      auto name = is_named ? std::optional<std::string>{result.name} : name_of(*result.val);
      if (!name) return;
      columns.push_back(std::move(*name));
    }
    if (!columns.empty()) found_.columns = std::move(columns);
  }

  void insertion(const PgQuery__InsertStmt& statement) {
    if (statement.n_cols > 0) found_.inserted = statement.n_cols;
    if (statement.select_stmt == nullptr || statement.select_stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
      return;
    const PgQuery__SelectStmt& source = *statement.select_stmt->select_stmt;
    found_.has_from = source.n_from_clause > 0 || source.larg != nullptr;
    if (source.n_values_lists > 0) {
      const PgQuery__Node& row = *source.values_lists[0];
      if (row.node_case == PG_QUERY__NODE__NODE_LIST) found_.given = row.list->n_items;
      return;
    }
    found_.given = width_of(first_of(source));
  }

  const Rendered& rendered_;
  Outline& found_;
};

/// The placeholders between SET and what follows its list.
std::vector<std::size_t> assigning(const Template& statement) {
  std::size_t begin = 0, end = 0;
  int depth = 0;
  int before = 0;
  for (const Token& token : scan(statement.author_sql())) {
    if (token.is_comment()) continue;
    const char sign = statement.author_sql()[token.begin];
    if (sign == '(' || sign == '[') ++depth;
    if (sign == ')' || sign == ']') --depth;
    const bool is_end = token.code == PG_QUERY__TOKEN__WHERE || token.code == PG_QUERY__TOKEN__RETURNING ||
                        (token.code == PG_QUERY__TOKEN__FROM && before != PG_QUERY__TOKEN__DISTINCT);
    if (depth == 0 && begin == 0 && token.code == PG_QUERY__TOKEN__SET) begin = token.begin;
    if (depth == 0 && begin != 0 && end == 0 && is_end) end = token.begin;
    before = token.code;
  }
  if (end == 0) end = statement.author_sql().size();
  std::vector<std::size_t> found;
  if (begin == 0) return found;
  for (std::size_t i = 0; i < statement.placeholders().size(); ++i) {
    const std::size_t offset = statement.placeholders()[i].offset;
    if (offset > begin && offset < end) found.push_back(i);
  }
  return found;
}

}  // namespace

Outline outline(const Template& statement) {
  Outline found;
  const Rendered rendered = marked(statement);
  on_parser_thread([&] {
    const auto parsed = tree::parse(rendered.text());
    if (!parsed.tree || parsed.tree->n_stmts != 1 || parsed.tree->stmts[0]->stmt == nullptr) return;
    Reviewer reviewer{rendered, found};
    reviewer.take(parsed.tree->base);
    reviewer.top(*parsed.tree->stmts[0]->stmt);
  });
  if (found.kind == StatementKind::update) found.assigning = assigning(statement);
  return found;
}

}  // namespace opsh::sql
