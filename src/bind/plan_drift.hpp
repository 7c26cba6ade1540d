#pragma once

#include "lua/stack.hpp"

namespace opsh::bind {

/// spool_columns(path) -> { {name, type}, ... }: the columns of a spooled plan, types as SQL writes them.
int spool_columns(lua_State* L);

/// compare(path before, path now, { key, folder, shown }) -> { before, now, came, went, changed, first_came,
/// first_went, first_changed }: counts, and lists of items { key = {text, ...}, values = { {column, before, now}, ... }
/// }. Functions of opsh.native.plan.
int compare_plans(lua_State* L);

}  // namespace opsh::bind
