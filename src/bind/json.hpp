#pragma once

#include <string>
#include <string_view>

#include "json/writer.hpp"
#include "lua/stack.hpp"

namespace opsh::bind {

/// Pushes a JSON document as Lua values. Objects and arrays carry their metatables, null is opsh.null, and a number
/// that a double does not hold exactly is a table with its text. Errors: "json.syntax", "json.depth".
void push_json(lua_State* L, std::string_view text);

/// The JSON text of a Lua value. A plain table is an array when it has a first element, else an object; keys are in
/// the order that its metatable's `__columns` gives, the others sorted; an object that push_json made keeps its
/// document's order, and an unchanged number its spelling. Errors: "json.value".
std::string json_text(lua_State* L, int index, json::Layout layout);

/// The same for what is printed or recorded: no name and no value has a secret in it (base/redact.hpp).
std::string redacted_json_text(lua_State* L, int index, json::Layout layout);

/// Registers opsh.native.json.
void open_json(lua_State* L);

}  // namespace opsh::bind
