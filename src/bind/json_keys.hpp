#pragma once

#include <lua.hpp>
#include <string_view>
#include <vector>

namespace opsh::bind {

/// The keys of a table in the order in which it is written as a JSON object: that of its metatable's `__columns`, else
/// that of the document that it was read from; the others behind, sorted. Views of Lua's own strings, which the table
/// and its record hold. Errors: "json.value" for a key that is no string.
std::vector<std::string_view> keys_in_order(lua_State* L, int index);

/// Adds those that are not in `ordered` yet, sorted.
void add_other_keys(lua_State* L, int index, std::vector<std::string_view>& ordered);

std::size_t count_keys(lua_State* L, int index);

/// Pushes what the document said about the table (`spellings` or `orders`); returns its index, and pushes nothing and
/// returns 0 when it said nothing.
int push_record(lua_State* L, int index, const char* registry);

}  // namespace opsh::bind
