#pragma once

#include <pg_query/pg_query.pb-c.h>

#include <optional>
#include <string_view>

#include "sql/definition.hpp"

namespace opsh::sql {

/// Judges a statement that defines or changes objects, by allow-list; nothing for a statement of another kind, which no
/// schema step may send. docs/security.md has the list.
std::optional<Defined> defined_by(const PgQuery__Node& statement);

/// Whether a node of this kind ("Constraint") may stand in such a statement; beside those of queries.
bool is_known_in_definition(std::string_view kind);

}  // namespace opsh::sql
