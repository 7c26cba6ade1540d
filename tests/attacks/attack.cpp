#include "attacks/attack.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "cpp/bind/interpreter.hpp"

namespace attacks {
namespace {

const std::set<std::string> known_keys = {"setup", "alone",       "may_run",     "may_run_as_superuser",
                                          "open",  "server_from", "server_below"};

std::string text_at(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = lua_tolstring(L, index, &size);
  return text == nullptr ? std::string{} : std::string{text, size};
}

std::string text_field(lua_State* L, const char* name) {
  lua_getfield(L, -1, name);
  std::string text = text_at(L, -1);
  lua_pop(L, 1);
  return text;
}

void require_known_keys(lua_State* L, const std::string& name) {
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING && !known_keys.contains(lua_tostring(L, -2)))
      throw std::runtime_error{"the attack " + name + " has the unknown key " + lua_tostring(L, -2)};
  }
}

/// The line on top of the stack.
Attack attack_at(lua_State* L, const std::string& family) {
  Attack attack;
  attack.family = family;
  for (int at = 1; at <= static_cast<int>(lua_objlen(L, -1)); ++at) {
    lua_rawgeti(L, -1, at);
    (at == 1 ? attack.name : attack.steps.emplace_back()) = text_at(L, -1);
    lua_pop(L, 1);
  }
  if (attack.name.empty() || attack.steps.empty())
    throw std::runtime_error{"an attack of the family " + family + " has no name or no statement"};
  require_known_keys(L, attack.name);
  attack.setup = text_field(L, "setup");
  attack.may_run = text_field(L, "may_run");
  attack.may_run_as_superuser = text_field(L, "may_run_as_superuser");
  attack.open = text_field(L, "open");
  lua_getfield(L, -1, "alone");
  attack.alone = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  if (const std::string from = text_field(L, "server_from"); !from.empty()) attack.server_from = std::stoi(from);
  if (const std::string below = text_field(L, "server_below"); !below.empty()) attack.server_below = std::stoi(below);
  return attack;
}

void read_family(const std::filesystem::path& file, std::vector<Attack>& attacks) {
  test::Interpreter interpreter;
  lua_State* L = interpreter.state();
  if (luaL_loadfile(L, file.c_str()) != 0 || lua_pcall(L, 0, 1, 0) != 0) throw std::runtime_error{lua_tostring(L, -1)};
  const std::string family = text_field(L, "family");
  for (int at = 1; at <= static_cast<int>(lua_objlen(L, -1)); ++at) {
    lua_rawgeti(L, -1, at);
    attacks.push_back(attack_at(L, family));
    lua_pop(L, 1);
  }
}

}  // namespace

std::vector<Attack> read_table(int server_version) {
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{OPSH_ATTACKS_TABLE}) files.insert(entry.path());
  std::vector<Attack> attacks;
  for (const auto& file : files) read_family(file, attacks);
  std::set<std::string> names;
  for (const Attack& attack : attacks) {
    if (!names.insert(attack.name).second) throw std::runtime_error{"two attacks are called " + attack.name};
  }
  std::erase_if(attacks, [&](const Attack& attack) {
    return server_version < attack.server_from || server_version >= attack.server_below;
  });
  return attacks;
}

}  // namespace attacks
