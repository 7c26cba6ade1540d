#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/decimal.hpp"
#include "bind/json.hpp"
#include "bind/json_memory.hpp"
#include "json/parse.hpp"

namespace opsh::bind {
namespace {

constexpr double exact_integers = 9007199254740992;  // 2^53

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

}  // namespace

void push_json(lua_State* L, std::string_view text) {
  Builder builder{L};
  json::parse(text, builder);
}

}  // namespace opsh::bind
