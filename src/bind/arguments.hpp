#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "base/clock.hpp"
#include "lua/stack.hpp"

namespace opsh::bind {

// Arguments that are narrower than Lua's types. What does not fit is an error of the caller: a Lua argument error, and
// for a field Error "usage.argument".

/// A whole number from 0 to 2^31 - 1.
std::size_t check_count(lua_State* L, int index);
std::size_t count_field(lua_State* L, int index, const char* name);  ///< 0 when it is missing

/// A span of time in seconds, not negative.
Seconds check_seconds(lua_State* L, int index);

/// So many seconds from now; never when it is missing.
Deadline optional_deadline(lua_State* L, int index);
Deadline deadline_field(lua_State* L, int index, const char* name);

/// A table from names to texts; empty when it is missing. `name` is what messages call it.
std::map<std::string, std::string> names_at(lua_State* L, int index, const char* name);
std::map<std::string, std::string> names_field(lua_State* L, int index, const char* name);

}  // namespace opsh::bind
