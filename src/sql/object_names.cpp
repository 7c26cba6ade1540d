#include "sql/object_names.hpp"

#include <fmt/format.h>

#include <utility>

namespace opsh::sql {
namespace {

constexpr const char* by_name = "name what is to go, each in a statement of its own, what depends on others first";

}  // namespace

void refuse(std::string message, std::string hint) {
  throw DefinitionRefusal{std::move(message), std::move(hint)};
}

std::string_view word(const PgQuery__Node* node) {
  return node != nullptr && node->node_case == PG_QUERY__NODE__NODE_STRING ? std::string_view{node->string->sval}
                                                                           : std::string_view{};
}

void require_schema(std::string_view schema) {
  if (schema.starts_with("pg_") || schema == "information_schema")
    refuse(fmt::format("the schema {} is the server's own", schema), "objects of a runbook live in other schemas");
}

ObjectName named(std::string_view schema, std::string_view name) {
  require_schema(schema);
  return {std::string{schema}, std::string{name}};
}

ObjectName named(const PgQuery__RangeVar* relation) {
  if (relation == nullptr) refuse("the statement names no relation", "write the object that it is about");
  if (std::string_view{relation->relpersistence} == "t")
    refuse("a temporary object is gone with the session", "leave TEMPORARY out");
  return named(relation->schemaname, relation->relname);
}

ObjectName named(PgQuery__Node* const* parts, std::size_t count, std::size_t tail) {
  if (count <= tail) refuse("the statement names no relation", "write the object that it is about");
  const std::size_t last = count - tail - 1;
  return named(last > 0 ? word(parts[last - 1]) : std::string_view{}, word(parts[last]));
}

ObjectName named(const PgQuery__Node* node, std::size_t tail) {
  switch (node == nullptr ? PG_QUERY__NODE__NODE__NOT_SET : node->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
      return named(node->range_var);
    case PG_QUERY__NODE__NODE_LIST:
      return named(node->list->items, node->list->n_items, tail);
    case PG_QUERY__NODE__NODE_TYPE_NAME:
      return named(node->type_name->names, node->type_name->n_names);
    case PG_QUERY__NODE__NODE_OBJECT_WITH_ARGS:
      return named(node->object_with_args->objname, node->object_with_args->n_objname);
    case PG_QUERY__NODE__NODE_STRING:
      require_schema(word(node));
      return {"", std::string{word(node)}};
    default:
      refuse("the statement names its object in a way that opsh does not know", "write it the usual way");
  }
}

void require_no_cascade(PgQuery__DropBehavior behavior) {
  if (behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE) refuse("CASCADE takes along what nobody has named", by_name);
}

void require_no_tablespace(std::string_view name) {
  if (!name.empty()) refuse("where a table or index lies is the server's administration", "leave TABLESPACE out");
}

}  // namespace opsh::sql
