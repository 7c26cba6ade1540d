#include "sql/column_use.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "sql/identifier.hpp"
#include "sql/parser_thread.hpp"
#include "sql/recent.hpp"
#include "sql/tree.hpp"

namespace opsh::sql {
namespace {

// In the statement that is looked at, the relation stands as a table of this name, and all other values as this column.
constexpr std::string_view relation = "opsh items", other = "opsh other";

/// What a statement names.
struct Names {
  bool whole = false;                                     ///< rows of something are taken whole, or by position
  std::set<std::string> aliases;                          ///< of the relation
  std::set<std::string> alone;                            ///< `a`
  std::set<std::pair<std::string, std::string>> members;  ///< `a.b`
};

template <class Node>
const Node* as(const ProtobufCMessage& message, const ProtobufCMessageDescriptor& descriptor) {
  return message.descriptor == &descriptor ? reinterpret_cast<const Node*>(&message) : nullptr;
}

std::string word(const PgQuery__Node& node) {
  return node.node_case == PG_QUERY__NODE__NODE_STRING ? node.string->sval : "";
}

void collect(const ProtobufCMessage& message, Names& names) {
  if (const auto* column = as<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor)) {
    if (column->n_fields == 1) names.alone.insert(word(*column->fields[0]));
    for (std::size_t at = 1; at < column->n_fields; ++at)
      names.members.emplace(word(*column->fields[at - 1]), word(*column->fields[at]));
  } else if (const auto* join = as<PgQuery__JoinExpr>(message, pg_query__join_expr__descriptor)) {
    names.whole |= join->is_natural || join->alias != nullptr || join->join_using_alias != nullptr;
    for (std::size_t at = 0; at < join->n_using_clause; ++at) names.alone.insert(word(*join->using_clause[at]));
  } else if (const auto* table = as<PgQuery__RangeVar>(message, pg_query__range_var__descriptor)) {
    if (table->relname == relation) {
      names.aliases.insert(table->alias ? table->alias->aliasname : table->relname);
      names.whole |= table->alias && table->alias->n_colnames > 0;
    }
  }
  names.whole |= message.descriptor == &pg_query__a__star__descriptor;
  tree::visit_children(message, [&](const ProtobufCMessage& child) { collect(child, names); });
}

Names names_in(const std::string& text) {
  Names names;
  on_parser_thread([&] {
    const auto parsed = tree::parse(text);
    names.whole = !parsed.tree;
    if (parsed.tree) collect(parsed.tree->base, names);
  });
  // Where no table can stand it is a value, or an alias that is none: `x in :items`.
  names.whole |= names.aliases.empty() || names.alone.contains(std::string{relation});
  for (const auto& alias : names.aliases) names.whole |= names.alone.contains(alias);
  return names;
}

/// The statement with a table where the relation stands.
std::string looked_at(const Template& statement, const Placeholder& placeholder) {
  std::vector<std::string> replacements;
  for (const auto& each : statement.placeholders()) {
    const bool is_relation = each.name == placeholder.name && each.number == placeholder.number;
    replacements.push_back(Identifier{std::string{is_relation ? relation : other}}.text());
    if (is_relation && !each.has_alias && !each.name.empty())
      replacements.back() += " as " + Identifier{each.name}.text();
  }
  return statement.render(replacements).text();
}

}  // namespace

std::vector<bool> used_columns(const Template& statement, const Placeholder& placeholder,
                               std::span<const std::string> columns) {
  // Never destroyed, as the parser thread.
  static auto& recent = *new Recent<Names>;
  const std::string text = looked_at(statement, placeholder);
  auto names = recent.find(text);
  if (!names) names = recent.keep(text, names_in(text));
  bool all = names->whole;
  std::set<std::string_view> named{names->alone.begin(), names->alone.end()};
  for (const auto& [of, member] : names->members) {
    named.insert({of, member});
    all |= names->aliases.contains(of) && std::ranges::find(columns, member) == columns.end();
  }
  std::vector<bool> used;
  for (const auto& column : columns) used.push_back(all || named.contains(column));
  return used;
}

}  // namespace opsh::sql
