#include "bind/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/decimal.hpp"
#include "bind/module.hpp"
#include "json/parse.hpp"

namespace opsh::bind {
namespace {

/// Builds the document on the Lua stack, one table per open object or array.
class Builder : public json::Handler {
 public:
  explicit Builder(lua_State* L) : L_(L) {}

  void null() override {
    lua::push_null(L_);
    store();
  }
  void boolean(bool value) override {
    lua_pushboolean(L_, value);
    store();
  }
  void number(std::string_view text) override {
    push_number(text);
    store();
  }
  void string(std::string_view text) override {
    lua::push(L_, text);
    store();
  }
  void begin_object() override { begin(lua::object_metatable); }
  void key(std::string_view name) override { lua::push(L_, name); }
  void end_object() override { end(); }
  void begin_array() override {
    begin(lua::array_metatable);
    next_.back() = 1;
  }
  void end_array() override { end(); }

 private:
  void begin(const char* metatable) {
    luaL_checkstack(L_, 8, "document too deep");
    lua_newtable(L_);
    luaL_getmetatable(L_, metatable);
    lua_setmetatable(L_, -2);
    next_.push_back(0);
  }

  void end() {
    next_.pop_back();
    store();
  }

  void store() {
    if (next_.empty()) return;
    if (next_.back() == 0)
      lua_rawset(L_, -3);
    else
      lua_rawseti(L_, -2, next_.back()++);
  }

  void push_number(std::string_view text) {
    std::string exact{text};
    double value = std::strtod(exact.c_str(), nullptr);
    auto written = Decimal::parse(exact), held = Decimal::parse(lua::number_text(value));
    if (written && held && *written == *held) return lua_pushnumber(L_, value);
    lua_createtable(L_, 0, 1);
    lua::set_field(L_, "text", text);
    luaL_getmetatable(L_, lua::number_metatable);
    lua_setmetatable(L_, -2);
  }

  lua_State* L_;
  std::vector<int> next_;  ///< per open table: 0 for an object, the next index for an array
};

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
    writer_.begin_array();
    for (int at = 1; at <= static_cast<int>(lua_objlen(L_, index)); ++at) {
      lua_rawgeti(L_, index, at);
      value(lua_gettop(L_));
      lua_pop(L_, 1);
    }
    writer_.end_array();
  }

  void members(int index) {
    writer_.begin_object();
    for (const auto& name : names(index)) {
      writer_.key(name);
      lua::push(L_, std::string_view{name});
      lua_rawget(L_, index);
      value(lua_gettop(L_));
      lua_pop(L_, 1);
    }
    writer_.end_object();
  }

  std::vector<std::string> names(int index) {
    std::vector<std::string> ordered;
    if (luaL_getmetafield(L_, index, "__columns")) {
      ordered = lua::strings(L_, -1);
      lua_pop(L_, 1);
    }
    auto known = static_cast<std::ptrdiff_t>(ordered.size());
    for (lua_pushnil(L_); lua_next(L_, index); lua_pop(L_, 1)) {
      if (lua_type(L_, -2) != LUA_TSTRING)
        throw Error{"json.value", fmt::format("a key of an object must be a string, not a {}", luaL_typename(L_, -2))};
      std::string name = lua::check_string(L_, -2);
      if (std::find(ordered.begin(), ordered.begin() + known, name) == ordered.begin() + known) ordered.push_back(name);
    }
    std::sort(ordered.begin() + known, ordered.end());
    return ordered;
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

void push_json(lua_State* L, std::string_view text) {
  Builder builder{L};
  json::parse(text, builder);
}

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
  module(
      L, "opsh.native.json",
      {{"decode", lua::guarded<decode>}, {"encode", lua::guarded<encode>}, {"metatables", lua::guarded<metatables>}});
}

}  // namespace opsh::bind
