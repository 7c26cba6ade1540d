#pragma once

#include <cstdint>
#include <lua.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace opsh::lua {

/// Chunk names of opsh's own Lua begin with this; a script's never does.
inline constexpr std::string_view own_chunks = "@opsh/";

/// Registry names of the metatables that Lua and C++ share.
inline constexpr const char* error_metatable = "opsh.error";
inline constexpr const char* object_metatable = "opsh.json.object";
inline constexpr const char* array_metatable = "opsh.json.array";
inline constexpr const char* number_metatable = "opsh.json.number";

inline void push(lua_State* L, std::string_view text) {
  lua_pushlstring(L, text.data(), text.size());
}

/// The bytes of a string, which are there as long as something in Lua holds it.
inline std::string_view view(lua_State* L, int index) {
  std::size_t length = 0;
  const char* text = lua_tolstring(L, index, &length);
  return {text, length};
}

/// The value that stands for SQL's NULL and JSON's null.
inline void push_null(lua_State* L) {
  lua_pushlightuserdata(L, nullptr);
}

inline bool is_null(lua_State* L, int index) {
  return lua_islightuserdata(L, index) && lua_touserdata(L, index) == nullptr;
}

/// An argument that must be a string; its bytes, with their length.
std::string check_string(lua_State* L, int index);
std::optional<std::string> optional_string(lua_State* L, int index);

/// Fields of the table at `index`; a field that is missing gives the fallback, one of another type is an error.
std::string string_field(lua_State* L, int index, const char* name, std::string_view fallback = {});
double number_field(lua_State* L, int index, const char* name, double fallback);
bool boolean_field(lua_State* L, int index, const char* name, bool fallback = false);
std::vector<std::string> strings_field(lua_State* L, int index, const char* name);

/// A list of strings at `index`.
std::vector<std::string> strings(lua_State* L, int index);
void push(lua_State* L, const std::vector<std::string>& list);

/// Whether the table at `index` has the metatable registered as `name`.
bool has_metatable(lua_State* L, int index, const char* name);

/// A number as text that reads back the same: integers without a point.
std::string number_text(double number);

/// Writes the next field of the table on top of the stack.
void set_field(lua_State* L, const char* name, std::string_view value);
void set_field(lua_State* L, const char* name, double value);
void set_flag(lua_State* L, const char* name, bool value);

/// Writes a list: `push` puts each value on the stack.
template <class Values, class Push>
void set_list(lua_State* L, const char* name, const Values& values, Push&& push) {
  lua_createtable(L, static_cast<int>(values.size()), 0);
  int at = 0;
  for (const auto& value : values) {
    push(value);
    lua_rawseti(L, -2, ++at);
  }
  lua_setfield(L, -2, name);
}

}  // namespace opsh::lua
