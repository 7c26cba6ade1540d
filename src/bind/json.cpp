#include "bind/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/decimal.hpp"
#include "bind/module.hpp"
#include "json/parse.hpp"

namespace opsh::bind {
namespace {

// What a document says and Lua's tables cannot hold, by decoded table. The keys are weak: a table takes it along.
constexpr const char* spellings = "opsh.json.spellings";  // of an object or array: key -> the number's text
constexpr const char* orders = "opsh.json.orders";        // of an object: its keys, see KeyList

constexpr double exact_integers = 9007199254740992;  // 2^53

/// Keys one after the other in a string, each behind its length: objects of one shape share one Lua string.
class KeyList {
 public:
  static void append(std::string& list, std::string_view key) {
    std::size_t length = key.size();
    list.append(reinterpret_cast<const char*>(&length), sizeof length).append(key);
  }

  explicit KeyList(std::string_view list) : rest_(list) {}
  bool empty() const { return rest_.empty(); }
  std::string_view next() {
    std::size_t length = 0;
    std::memcpy(&length, rest_.data(), sizeof length);
    auto key = rest_.substr(sizeof length, length);
    rest_.remove_prefix(sizeof length + length);
    return key;
  }

 private:
  std::string_view rest_;
};

std::string_view view(lua_State* L, int index) {
  std::size_t length = 0;
  const char* text = lua_tolstring(L, index, &length);
  return {text, length};
}

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
    bool spelled = push_number(text);
    if (!open_.empty() && (spelled || open_.back().spelled)) spell(spelled ? text : std::string_view{});
    store();
  }
  void string(std::string_view text) override {
    lua::push(L_, text);
    store();
  }
  void begin_object() override { begin(lua::object_metatable, 0); }
  void key(std::string_view name) override {
    lua::push(L_, name);
    lua_pushvalue(L_, -1);
    lua_rawget(L_, -3);
    bool repeated = !lua_isnil(L_, -1);
    lua_pop(L_, 1);
    if (repeated) return;
    Level& level = open_.back();
    if (keys_.size() > level.keys && name < std::string_view{keys_}.substr(level.last_key)) level.sorted = false;
    KeyList::append(keys_, name);
    level.last_key = keys_.size() - name.size();
  }
  void end_object() override {
    // Sorted is how they are written anyway.
    if (!open_.back().sorted) {
      lua_getfield(L_, LUA_REGISTRYINDEX, orders);
      lua_pushvalue(L_, -2);
      lua::push(L_, std::string_view{keys_}.substr(open_.back().keys));
      lua_rawset(L_, -3);
      lua_pop(L_, 1);
    }
    end();
  }
  void begin_array() override { begin(lua::array_metatable, 1); }
  void end_array() override { end(); }

 private:
  struct Level {
    int next;                  ///< 0 for an object, the next index for an array
    std::size_t keys;          ///< where its keys begin in keys_
    std::size_t last_key = 0;  ///< where the text of the last one begins
    bool sorted = true;        ///< whether its keys came in the order of their bytes
    bool spelled = false;      ///< whether it has an entry in `spellings`
  };

  void begin(const char* metatable, int next) {
    luaL_checkstack(L_, 10, "document too deep");
    lua_newtable(L_);
    luaL_getmetatable(L_, metatable);
    lua_setmetatable(L_, -2);
    open_.push_back({next, keys_.size()});
  }

  void end() {
    keys_.resize(open_.back().keys);
    open_.pop_back();
    store();
  }

  void store() {
    if (open_.empty()) return;
    if (open_.back().next == 0)
      lua_rawset(L_, -3);
    else
      lua_rawseti(L_, -2, open_.back().next++);
  }

  /// Pushes the number; returns whether the Writer would spell it in another way.
  bool push_number(std::string_view text) {
    std::string exact{text};
    double value = std::strtod(exact.c_str(), nullptr);
    char digits[32];
    std::string_view shortest{
        digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, value).ptr - digits)};
    bool same = shortest == text;
    // Beyond them the shortest text may have more digits than the value needs, and SQL would get fewer.
    if (same && std::fabs(value) <= exact_integers) {
      lua_pushnumber(L_, value);
      return false;
    }
    auto written = Decimal::parse(exact), held = Decimal::parse(lua::number_text(value));
    if (written && held && *written == *held) {
      lua_pushnumber(L_, value);
      return !same;
    }
    lua_createtable(L_, 0, 1);
    lua::set_field(L_, "text", text);
    luaL_getmetatable(L_, lua::number_metatable);
    lua_setmetatable(L_, -2);
    return false;
  }

  /// Records how the number on top of the stack is spelled; an empty text takes back what a repeated key said before.
  void spell(std::string_view text) {
    Level& level = open_.back();
    int parent = lua_gettop(L_) - (level.next == 0 ? 2 : 1);
    lua_getfield(L_, LUA_REGISTRYINDEX, spellings);
    if (!level.spelled) {
      lua_pushvalue(L_, parent);
      lua_newtable(L_);
      lua_rawset(L_, -3);
      level.spelled = true;
    }
    lua_pushvalue(L_, parent);
    lua_rawget(L_, -2);
    if (level.next == 0)
      lua_pushvalue(L_, parent + 1);
    else
      lua_pushnumber(L_, level.next);
    text.empty() ? lua_pushnil(L_) : lua::push(L_, text);
    lua_rawset(L_, -3);
    lua_pop(L_, 2);
  }

  lua_State* L_;
  std::vector<Level> open_;
  std::string keys_;  ///< of all open objects, the outermost first
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
