#include "bind/json_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "bind/json_memory.hpp"
#include "bind/module.hpp"

namespace opsh::bind {

int push_record(lua_State* L, int index, const char* registry) {
  lua_getfield(L, LUA_REGISTRYINDEX, registry);
  lua_pushvalue(L, index);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  if (!lua_isnil(L, -1)) return lua_gettop(L);
  lua_pop(L, 1);
  return 0;
}

std::size_t count_keys(lua_State* L, int index) {
  std::size_t count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) ++count;
  return count;
}

void add_other_keys(lua_State* L, int index, std::vector<std::string_view>& ordered) {
  auto known = static_cast<std::ptrdiff_t>(ordered.size());
  std::set<std::string_view> in_order{ordered.begin(), ordered.end()};
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      throw Error{"json.value", fmt::format("a key of an object must be a string, not a {}", luaL_typename(L, -2))};
    if (auto name = lua::view(L, -2); !in_order.contains(name)) ordered.push_back(name);
  }
  std::sort(ordered.begin() + known, ordered.end());
}

std::vector<std::string_view> keys_in_order(lua_State* L, int index) {
  std::vector<std::string_view> ordered;
  ordered.reserve(8);  // what most objects have
  if (luaL_getmetafield(L, index, "__columns")) {
    for (int at = 1; at <= static_cast<int>(lua_objlen(L, -1)); ++at) {
      lua_rawgeti(L, -1, at);
      luaL_checktype(L, -1, LUA_TSTRING);
      ordered.push_back(lua::view(L, -1));
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  } else if (push_record(L, index, orders)) {
    for (KeyList keys{lua::view(L, -1)}; !keys.empty();) {
      auto key = keys.next();
      lua::push(L, key);
      lua_rawget(L, index);
      if (!lua_isnil(L, -1)) ordered.push_back(key);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
    if (ordered.size() == count_keys(L, index)) return ordered;
  }
  add_other_keys(L, index, ordered);
  return ordered;
}

}  // namespace opsh::bind
