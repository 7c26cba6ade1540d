#pragma once

#include <span>

#include "sql/statement.hpp"

namespace opsh::journal {

/// The version of the schema `opsh` that this program writes.
inline constexpr int schema_version = 1;

/// The statements that create it, in order, for the first apply and for `opsh schema`.
std::span<const sql::WriteSql> schema_statements();

}  // namespace opsh::journal
