#pragma once

#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "sql/definition.hpp"

namespace opsh::sql {

/// What is not a runbook's to do.
inline constexpr const char* beside = "a runbook does not administer the server; do it beside opsh";

/// Throws a DefinitionRefusal, as all below do when the statement may not be sent.
[[noreturn]] void refuse(std::string message, std::string hint);

/// That objects of a runbook may be in a schema of that name.
void require_schema(std::string_view schema);

/// The text of a String node; empty for another.
std::string_view word(const PgQuery__Node* node);

ObjectName named(std::string_view schema, std::string_view name);
ObjectName named(const PgQuery__RangeVar* relation);
/// `name`, `schema.name` or `database.schema.name`, without the last `tail` parts: `table.column` with 1.
ObjectName named(PgQuery__Node* const* parts, std::size_t count, std::size_t tail = 0);
ObjectName named(const PgQuery__Node* node, std::size_t tail = 0);

void require_no_cascade(PgQuery__DropBehavior behavior);
void require_no_tablespace(std::string_view name);

template <class Value, std::size_t n>
constexpr bool is_one_of(Value value, const std::array<Value, n>& list) {
  return std::ranges::find(list, value) != list.end();
}

}  // namespace opsh::sql
