#pragma once

#include <string>

#include "db/connection.hpp"
#include "db/parameters.hpp"
#include "lua/object.hpp"
#include "plan/items.hpp"
#include "sql/rendered.hpp"

namespace opsh::bind {

/// A statement of a script with the values for its placeholders.
struct Bound {
  sql::Rendered rendered;
  db::Parameters parameters;
};

/// Reads the SQL text at `sql` and the table of bindings at `bindings` (or nil):
///
///     { n = 2, [1] = ..., [2] = ...,        -- for $1, $2
///       names = { made = rows },            -- for :made, given with this statement
///       scope = { scenario = typed, items = Items } }  -- for names that are always there
///
/// A list of rows, or Items, becomes a FROM item; `:keys` is the items' key, as an array or, for a key of several
/// columns, as a FROM item. Errors: "sql.parameter" with "did you mean".
Bound bind_statement(lua_State* L, int sql, int bindings, db::Connection& connection);

/// The statement at `sql` that defines or changes objects; it takes no values. Errors: "sql.parameters".
sql::Rendered definition_at(lua_State* L, int sql);

}  // namespace opsh::bind
