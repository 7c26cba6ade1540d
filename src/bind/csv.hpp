#pragma once

#include <string>

#include "lua/stack.hpp"

namespace opsh::bind {

/// The rows of a query, a list at `index`, as CSV, with a line of the columns' names unless it goes on. Booleans are
/// true and false, bytea is \x and hex digits, JSON and arrays are JSON. Errors: "csv.rows" for anything else.
std::string csv_text(lua_State* L, int index, bool with_names = true);

}  // namespace opsh::bind
