#include "host/loader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/error.hpp"
#include "bind/module.hpp"
#include "host/embedded.hpp"
#include "lua/guard.hpp"

namespace opsh::host {
namespace {

constexpr const char* loaded = "opsh.loaded";

std::string text_of(const EmbeddedSource& source) {
  const char* tree = std::getenv("OPSH_LUA_DIR");
  if (!tree) return std::string{source.text};
  std::string path = fmt::format("{}/{}", tree, source.path);
  std::ifstream file{path, std::ios::binary};
  std::stringstream text;
  text << file.rdbuf();
  if (!file) throw Error{"internal", "cannot read " + path, "OPSH_LUA_DIR must be opsh's source tree"};
  return text.str();
}

const EmbeddedSource& source_of(const std::string& module) {
  auto sources = embedded_sources();
  auto found =
      std::find_if(sources.begin(), sources.end(), [&](const auto& source) { return source.module == module; });
  if (found == sources.end()) throw Error{"internal", "there is no module " + module};
  return *found;
}

/// Leaves the table of loaded modules on the stack.
void push_loaded(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, loaded);
  if (lua_istable(L, -1)) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, loaded);
}

void load_own(lua_State* L, const std::string& module) {
  const EmbeddedSource& source = source_of(module);
  std::string text = text_of(source), chunk = fmt::format("{}{}", lua::own_chunks, source.path);
  if (luaL_loadbufferx(L, text.data(), text.size(), chunk.c_str(), "t") != 0)
    throw Error{"internal", lua_tostring(L, -1)};
}

}  // namespace

int require_module(lua_State* L) {
  std::string module = lua::check_string(L, 1);
  push_loaded(L);
  int table = lua_gettop(L);
  lua_getfield(L, table, module.c_str());
  if (!lua_isnil(L, -1)) return 1;
  lua_getfield(L, LUA_REGISTRYINDEX, bind::native_modules);
  lua_getfield(L, -1, module.c_str());
  if (!lua_isnil(L, -1)) return 1;
  load_own(L, module);
  lua::push(L, std::string_view{module});
  lua_call(L, 1, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, table, module.c_str());
  return 1;
}

int asset(lua_State* L) {
  lua::push(L, text_of(source_of(lua::check_string(L, 1))));
  return 1;
}

}  // namespace opsh::host
