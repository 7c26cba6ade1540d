#pragma once

#include <string>
#include <utility>

#include "db/errors.hpp"
#include "sql/statement.hpp"

namespace opsh::db {

/// Runs `statement` and, when the server refuses it, shows the place in the author's own text. `prefix` is how many
/// characters opsh put before the statement.
template <typename Sql, typename Statement>
decltype(auto) located(const Sql& sql, int prefix, Statement&& statement) {
  try {
    return std::forward<Statement>(statement)();
  } catch (SqlError& error) {
    if (error.position > prefix) error.excerpt = sql.excerpt_at(error.position - prefix);
    throw;
  }
}

}  // namespace opsh::db
