#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "db/connection.hpp"
#include "lua/stack.hpp"

namespace opsh::bind {

/// What a field of some type becomes in Lua.
struct Form {
  enum Kind : std::uint8_t { text, boolean, integer, real, int8, bytes, json, array };
  Kind kind = text;
  unsigned element = 0;  ///< of an array: the oid of its elements
};

Form form_of(db::Connection& connection, unsigned type);

/// Pushes a field as Lua sees it, and never loses a digit: small integers and floats are numbers; int8 is one within
/// 2^53, else text; numeric, dates and everything unknown are text; bytea is its bytes; json is decoded; an SQL array
/// is a list with opsh.null for its NULLs; NULL is nil.
void push_field(lua_State* L, db::Connection& connection, unsigned type, std::optional<std::string_view> field);
void push_field(lua_State* L, db::Connection& connection, const Form& form, std::optional<std::string_view> field);

/// bytea's own text: `\x` and hex digits.
std::string hex_text(std::string_view bytes);

/// A Lua value as text of a type (0: whatever the server infers). Booleans, numbers, strings, opsh.null, JSON values
/// and lists. Errors: "usage.value".
std::optional<std::string> field_text(lua_State* L, int index, db::Connection& connection, unsigned type);

/// Pushes a list of rows: tables by column name, with the metatable that knows columns and types; `columns` of them,
/// those behind are the host's. Errors: "sql.duplicate_column", unless the second `id` is to be called `id_2`.
enum class Duplicates { refuse, number };
void push_rows(lua_State* L, db::Connection& connection, const db::Result& result, int columns,
               Duplicates duplicates = Duplicates::refuse);
inline void push_rows(lua_State* L, db::Connection& connection, const db::Result& result,
                      Duplicates duplicates = Duplicates::refuse) {
  push_rows(L, connection, result, result.columns(), duplicates);
}

/// Pushes the metatable that rows of these columns share: made by the Lua function registered as `row_metatable`.
void push_row_metatable(lua_State* L, const std::vector<std::string>& names, const std::vector<unsigned>& types);

inline constexpr const char* row_metatable_maker = "opsh.row_metatable";

}  // namespace opsh::bind
