#pragma once

#include <span>

#include "sql/statement.hpp"

namespace opsh::journal {

/// The version of the schema `opsh` that this program writes.
inline constexpr int schema_version = 4;

/// A statement of the schema, and the version that it came with.
struct SchemaStatement {
  int version = 0;
  sql::WriteSql sql;
};

/// The statements that create it, in order, for the first apply and for `opsh schema`. A schema of an earlier version
/// becomes one of this version by those that came later.
std::span<const SchemaStatement> schema_statements();

}  // namespace opsh::journal
