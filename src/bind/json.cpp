#include "bind/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bind/json_memory.hpp"
#include "bind/module.hpp"

namespace opsh::bind {
namespace {

std::string_view view(lua_State* L, int index) {
  std::size_t length = 0;
  const char* text = lua_tolstring(L, index, &length);
  return {text, length};
}

class Encoder {
 public:
  Encoder(lua_State* L, std::string& out, json::Layout layout) : L_(L), writer_(out, layout) {}

  void value(int index) {
    if (lua::is_null(L_, index)) return writer_.null();
    switch (lua_type(L_, index)) {
      case LUA_TNIL:
        return writer_.null();
      case LUA_TBOOLEAN:
        return writer_.boolean(lua_toboolean(L_, index));
      case LUA_TNUMBER:
        return writer_.number(lua_tonumber(L_, index));
      case LUA_TSTRING:
        return writer_.string(lua::check_string(L_, index));
      case LUA_TTABLE:
        return table(index);
      default:
        throw Error{"json.value", fmt::format("a {} has no place in JSON", luaL_typename(L_, index))};
    }
  }

 private:
  void table(int index) {
    luaL_checkstack(L_, 8, "value too deep");
    if (lua::has_metatable(L_, index, lua::number_metatable)) {
      lua_getfield(L_, index, "text");
      writer_.number_text(lua::check_string(L_, -1));
      return lua_pop(L_, 1);
    }
    bool array = lua::has_metatable(L_, index, lua::array_metatable) ||
                 (!lua::has_metatable(L_, index, lua::object_metatable) && lua_objlen(L_, index) > 0);
    array ? elements(index) : members(index);
  }

  void elements(int index) {
    int spelled = push_record(index, spellings);
    writer_.begin_array();
    for (int at = 1; at <= static_cast<int>(lua_objlen(L_, index)); ++at) {
      if (spelled) lua_rawgeti(L_, spelled, at);
      lua_rawgeti(L_, index, at);
      entry(spelled);
    }
    writer_.end_array();
    if (spelled) lua_pop(L_, 1);
  }

  void members(int index) {
    int spelled = push_record(index, spellings);
    writer_.begin_object();
    for (auto name : names(index)) {
      writer_.key(name);
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

  /// Pushes what the document said about the table; returns its index, 0 when it said nothing.
  int push_record(int index, const char* registry) {
    lua_getfield(L_, LUA_REGISTRYINDEX, registry);
    lua_pushvalue(L_, index);
    lua_rawget(L_, -2);
    lua_remove(L_, -2);
    if (!lua_isnil(L_, -1)) return lua_gettop(L_);
    lua_pop(L_, 1);
    return 0;
  }

  /// Writes and pops the value on top of the stack; with spellings, also what is below it: the number's text, or nil.
  void entry(int spelled) {
    if (spelled && lua_type(L_, -1) == LUA_TNUMBER && lua_isstring(L_, -2) && is_spelled(lua_tonumber(L_, -1)))
      writer_.number_text(view(L_, -2));
    else
      value(lua_gettop(L_));
    lua_pop(L_, spelled ? 2 : 1);
  }

  // Exact: only a text whose value the double holds is ever recorded.
  bool is_spelled(double number) {
    double recorded = std::strtod(lua_tostring(L_, -2), nullptr);
    return recorded == number && std::signbit(recorded) == std::signbit(number);
  }

  /// The keys in the order in which they are written: views of Lua's own strings, which the table and its record hold.
  std::vector<std::string_view> names(int index) {
    std::vector<std::string_view> ordered;
    ordered.reserve(8);  // what most objects have
    if (luaL_getmetafield(L_, index, "__columns")) {
      for (int at = 1; at <= static_cast<int>(lua_objlen(L_, -1)); ++at) {
        lua_rawgeti(L_, -1, at);
        luaL_checktype(L_, -1, LUA_TSTRING);
        ordered.push_back(view(L_, -1));
        lua_pop(L_, 1);
      }
      lua_pop(L_, 1);
    } else if (push_record(index, orders)) {
      for (KeyList keys{view(L_, -1)}; !keys.empty();) {
        auto key = keys.next();
        lua::push(L_, key);
        lua_rawget(L_, index);
        if (!lua_isnil(L_, -1)) ordered.push_back(key);
        lua_pop(L_, 1);
      }
      lua_pop(L_, 1);
      if (ordered.size() == size(index)) return ordered;
    }
    add_others(index, ordered);
    return ordered;
  }

  std::size_t size(int index) {
    std::size_t count = 0;
    for (lua_pushnil(L_); lua_next(L_, index); lua_pop(L_, 1)) ++count;
    return count;
  }

  void add_others(int index, std::vector<std::string_view>& ordered) {
    auto known = static_cast<std::ptrdiff_t>(ordered.size());
    std::set<std::string_view> in_order{ordered.begin(), ordered.end()};
    for (lua_pushnil(L_); lua_next(L_, index); lua_pop(L_, 1)) {
      if (lua_type(L_, -2) != LUA_TSTRING)
        throw Error{"json.value", fmt::format("a key of an object must be a string, not a {}", luaL_typename(L_, -2))};
      if (auto name = view(L_, -2); in_order.count(name) == 0) ordered.push_back(name);
    }
    std::sort(ordered.begin() + known, ordered.end());
  }

  lua_State* L_;
  json::Writer writer_;
};

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
  auto layout = lua_toboolean(L, 2) ? json::Layout::indented : json::Layout::compact;
  lua::push(L, json_text(L, 1, layout));
  return 1;
}

}  // namespace

std::string json_text(lua_State* L, int index, json::Layout layout) {
  if (index < 0) index = lua_gettop(L) + index + 1;
  std::string out;
  Encoder{L, out, layout}.value(index);
  return out;
}

void open_json(lua_State* L) {
  for (const char* name : {lua::object_metatable, lua::array_metatable, lua::number_metatable}) {
    luaL_newmetatable(L, name);
    lua_pop(L, 1);
  }
  for (const char* name : {spellings, orders}) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua::set_field(L, "__mode", "k");
    lua_setmetatable(L, -2);
    lua_setfield(L, LUA_REGISTRYINDEX, name);
  }
  module(
      L, "opsh.native.json",
      {{"decode", lua::guarded<decode>}, {"encode", lua::guarded<encode>}, {"metatables", lua::guarded<metatables>}});
}

}  // namespace opsh::bind
