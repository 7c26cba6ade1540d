#include "bind/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/redact.hpp"
#include "bind/json_keys.hpp"
#include "bind/json_memory.hpp"
#include "bind/module.hpp"

namespace opsh::bind {
namespace {

class Encoder {
 public:
  Encoder(lua_State* L, std::string& out, json::Layout layout, bool redacts)
      : L_(L), writer_(out, layout), redacts_(redacts) {}

  void value(int index) {
    if (lua::is_null(L_, index)) return writer_.null();
    switch (lua_type(L_, index)) {
      case LUA_TNIL:
        return writer_.null();
      case LUA_TBOOLEAN:
        return writer_.boolean(lua_toboolean(L_, index));
      case LUA_TNUMBER:
        if (redacts_ && hides(lua::number_text(lua_tonumber(L_, index)))) return writer_.string(redact::mask);
        return writer_.number(lua_tonumber(L_, index));
      case LUA_TSTRING:
        return string(lua::view(L_, index));
      case LUA_TTABLE:
        return table(index);
      default:
        throw Error{"json.value", fmt::format("a {} has no place in JSON", luaL_typename(L_, index))};
    }
  }

 private:
  bool hides(std::string_view text) const { return redacts_ && redact::holds(text); }
  void string(std::string_view text) { hides(text) ? writer_.string(redact::redacted(text)) : writer_.string(text); }
  void key(std::string_view name) { hides(name) ? writer_.key(redact::redacted(name)) : writer_.key(name); }
  void number_text(std::string_view text) { hides(text) ? writer_.string(redact::mask) : writer_.number_text(text); }

  void table(int index) {
    luaL_checkstack(L_, 8, "value too deep");
    if (lua::has_metatable(L_, index, lua::number_metatable)) {
      lua_getfield(L_, index, "text");
      number_text(lua::view(L_, -1));
      return lua_pop(L_, 1);
    }
    bool array = lua::has_metatable(L_, index, lua::array_metatable) ||
                 (!lua::has_metatable(L_, index, lua::object_metatable) && lua_objlen(L_, index) > 0);
    array ? elements(index) : members(index);
  }

  void elements(int index) {
    int top = lua_gettop(L_);
    int spelled = push_record(L_, index, spellings);
    RowShape shape = spelled ? RowShape{} : row_shape(index);
    writer_.begin_array();
    for (int at = 1, size = static_cast<int>(lua_objlen(L_, index)); at <= size; ++at) {
      if (spelled) lua_rawgeti(L_, spelled, at);
      lua_rawgeti(L_, index, at);
      if (is_of(shape))
        row(shape);
      else
        entry(spelled);
    }
    writer_.end_array();
    lua_settop(L_, top);
  }

  /// What the rows of a list have in common, on the Lua stack: their metatable, and behind it the names of the columns.
  struct RowShape {
    int metatable = 0;  ///< 0: they are no rows
    int columns = 0;
  };

  /// Of the list's first element.
  RowShape row_shape(int list) {
    lua_rawgeti(L_, list, 1);
    if (!lua_istable(L_, -1) || !lua_getmetatable(L_, -1)) return {};
    lua_replace(L_, -2);
    RowShape shape{lua_gettop(L_), 0};
    lua_getfield(L_, shape.metatable, "__columns");
    if (!lua_istable(L_, -1)) return {};
    int names = lua_gettop(L_);
    shape.columns = static_cast<int>(lua_objlen(L_, names));
    luaL_checkstack(L_, shape.columns + 8, "too many columns");
    for (int at = 1; at <= shape.columns; ++at) {
      lua_rawgeti(L_, names, at);
      luaL_checktype(L_, -1, LUA_TSTRING);
    }
    lua_remove(L_, names);
    return shape;
  }

  /// Whether the value on top of the stack is a row of this shape.
  bool is_of(const RowShape& shape) {
    if (!shape.metatable || !lua_istable(L_, -1) || !lua_getmetatable(L_, -1)) return false;
    bool same = lua_rawequal(L_, -1, shape.metatable);
    lua_pop(L_, 1);
    return same;
  }

  /// Writes and pops a row: what members() does, for many of one shape.
  void row(const RowShape& shape) {
    int index = lua_gettop(L_);
    std::size_t found = 0;
    writer_.begin_object();
    for (int name = shape.metatable + 1; name <= shape.metatable + shape.columns; ++name) {
      key(lua::view(L_, name));
      lua_pushvalue(L_, name);
      lua_rawget(L_, index);
      if (!lua_isnil(L_, -1)) ++found;
      entry(0);
    }
    if (found < count_keys(L_, index)) others(shape, index);
    writer_.end_object();
    lua_pop(L_, 1);
  }

  /// What a script has put into a row.
  void others(const RowShape& shape, int index) {
    std::vector<std::string_view> ordered;
    for (int name = shape.metatable + 1; name <= shape.metatable + shape.columns; ++name)
      ordered.push_back(lua::view(L_, name));
    add_other_keys(L_, index, ordered);
    for (auto name : std::span{ordered}.subspan(static_cast<std::size_t>(shape.columns))) {
      key(name);
      lua::push(L_, name);
      lua_rawget(L_, index);
      entry(0);
    }
  }

  void members(int index) {
    int spelled = push_record(L_, index, spellings);
    writer_.begin_object();
    for (auto name : keys_in_order(L_, index)) {
      key(name);
      lua::push(L_, name);
      if (spelled) {
        lua_pushvalue(L_, -1);
        lua_rawget(L_, spelled);
        lua_insert(L_, -2);
      }
      lua_rawget(L_, index);
      entry(spelled);
    }
    writer_.end_object();
    if (spelled) lua_pop(L_, 1);
  }

  /// Writes and pops the value on top of the stack; with spellings, also what is below it: the number's text, or nil.
  void entry(int spelled) {
    if (spelled && lua_type(L_, -1) == LUA_TNUMBER && lua_isstring(L_, -2) && is_spelled(lua_tonumber(L_, -1)))
      number_text(lua::view(L_, -2));
    else
      value(lua_gettop(L_));
    lua_pop(L_, spelled ? 2 : 1);
  }

  // Exact: only a text whose value the double holds is ever recorded.
  bool is_spelled(double number) {
    double recorded = std::strtod(lua_tostring(L_, -2), nullptr);
    return recorded == number && std::signbit(recorded) == std::signbit(number);
  }

  lua_State* L_;
  json::Writer writer_;
  bool redacts_;
};

std::string text_of(lua_State* L, int index, json::Layout layout, bool redacts) {
  if (index < 0) index = lua_gettop(L) + index + 1;
  std::string out;
  Encoder{L, out, layout, redacts}.value(index);
  return out;
}

json::Layout layout_at(lua_State* L, int index) {
  return lua_toboolean(L, index) ? json::Layout::indented : json::Layout::compact;
}

int decode(lua_State* L) {
  push_json(L, lua::check_string(L, 1));
  return 1;
}

int metatables(lua_State* L) {
  for (const char* name : {lua::object_metatable, lua::array_metatable, lua::number_metatable})
    luaL_getmetatable(L, name);
  return 3;
}

int encode(lua_State* L) {
  luaL_checkany(L, 1);
  lua::push(L, json_text(L, 1, layout_at(L, 2)));
  return 1;
}

/// keys(object) -> its keys, in the order in which they are written
int keys(lua_State* L) {
  lua_settop(L, 1);
  if (!lua::has_metatable(L, 1, lua::object_metatable))
    throw Error{"json.value", fmt::format("a {} that is no JSON object has no keys", luaL_typename(L, 1)),
                "json.is_object tells"};
  const auto found = keys_in_order(L, 1);
  lua_createtable(L, static_cast<int>(found.size()), 0);
  int at = 0;
  for (auto key : found) {
    lua::push(L, key);
    lua_rawseti(L, -2, ++at);
  }
  return 1;
}

/// document(value, indented) -> JSON text to print, without secrets
int document(lua_State* L) {
  luaL_checkany(L, 1);
  lua::push(L, redacted_json_text(L, 1, layout_at(L, 2)));
  return 1;
}

}  // namespace

std::string json_text(lua_State* L, int index, json::Layout layout) {
  return text_of(L, index, layout, false);
}

std::string redacted_json_text(lua_State* L, int index, json::Layout layout) {
  return text_of(L, index, layout, true);
}

void open_json(lua_State* L) {
  for (const char* name : {lua::object_metatable, lua::array_metatable, lua::number_metatable}) {
    // Hidden from scripts: what they change there would change for the host.
    luaL_newmetatable(L, name);
    lua::set_field(L, "__metatable", name + std::string_view{"opsh."}.size());
    lua_pop(L, 1);
  }
  for (const char* name : {spellings, orders}) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua::set_field(L, "__mode", "k");
    lua_setmetatable(L, -2);
    lua_setfield(L, LUA_REGISTRYINDEX, name);
  }
  module(L, "opsh.native.json",
         {{"decode", lua::guarded<decode>},
          {"encode", lua::guarded<encode>},
          {"document", lua::guarded<document>},
          {"keys", lua::guarded<keys>},
          {"metatables", lua::guarded<metatables>}});
}

}  // namespace opsh::bind
