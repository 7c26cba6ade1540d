#include "bind/module.hpp"
#include "host/cli.hpp"
#include "host/modules.hpp"
#include "lua/guard.hpp"

namespace opsh::host {
namespace {

Option option_at(lua_State* L, int index) {
  Option option;
  option.name = lua::string_field(L, index, "name");
  std::string letter = lua::string_field(L, index, "letter");
  option.letter = letter.empty() ? char{0} : letter.front();
  option.value = lua::string_field(L, index, "value");
  option.value_optional = lua::boolean_field(L, index, "value_optional");
  option.list = lua::boolean_field(L, index, "list");
  option.negatable = lua::boolean_field(L, index, "negatable");
  option.help = lua::string_field(L, index, "help");
  option.default_text = lua::string_field(L, index, "default_text");
  option.choices = lua::strings_field(L, index, "choices");
  option.required = lua::boolean_field(L, index, "required");
  option.group = lua::string_field(L, index, "group");
  return option;
}

Positional positional_at(lua_State* L, int index) {
  return {lua::string_field(L, index, "name"), lua::string_field(L, index, "help"),
          lua::boolean_field(L, index, "required"), lua::boolean_field(L, index, "list")};
}

template <typename Item, typename Read>
std::vector<Item> list_field(lua_State* L, int index, const char* name, Read read) {
  std::vector<Item> items;
  lua_getfield(L, index, name);
  for (int at = 1; lua_istable(L, -1) && at <= static_cast<int>(lua_objlen(L, -1)); ++at) {
    lua_rawgeti(L, -1, at);
    items.push_back(read(L, lua_gettop(L)));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return items;
}

std::map<std::string, std::string> words_field(lua_State* L, int index) {
  std::map<std::string, std::string> words;
  lua_getfield(L, index, "words");
  if (lua_istable(L, -1)) {
    int table = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1))
      words.emplace(lua::check_string(L, -2), lua::check_string(L, -1));
  }
  lua_pop(L, 1);
  return words;
}

CommandLine command_line_at(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  CommandLine line;
  line.program = lua::string_field(L, index, "program");
  line.description = lua::string_field(L, index, "description");
  line.options = list_field<Option>(L, index, "options", option_at);
  line.positionals = list_field<Positional>(L, index, "positionals", positional_at);
  line.footer = lua::string_field(L, index, "footer");
  line.stop_at_first_word = lua::boolean_field(L, index, "stop_at_first_word");
  line.later = lua::strings_field(L, index, "later");
  line.words = words_field(L, index);
  return line;
}

/// parse(command line, arguments) -> { values = { name = { texts } }, words = {}, rest = {} }
int parse_arguments(lua_State* L) {
  Parsed parsed = parse(command_line_at(L, 1), lua::strings(L, 2));
  lua_newtable(L);
  lua_newtable(L);
  for (const auto& [name, values] : parsed.values) {
    lua::push(L, values);
    lua_setfield(L, -2, name.c_str());
  }
  lua_setfield(L, -2, "values");
  lua::push(L, parsed.words);
  lua_setfield(L, -2, "words");
  lua::push(L, parsed.rest);
  lua_setfield(L, -2, "rest");
  return 1;
}

int help_text(lua_State* L) {
  lua::push(L, help(command_line_at(L, 1), static_cast<unsigned>(luaL_optnumber(L, 2, 80))));
  return 1;
}

/// library() -> { name, compiled }
int cli_library(lua_State* L) {
  Library used = library();
  lua_createtable(L, 0, 2);
  lua::set_field(L, "name", used.name);
  lua::set_field(L, "compiled", used.compiled);
  return 1;
}

}  // namespace

void open_cli(lua_State* L) {
  bind::module(L, "opsh.native.cli",
               {{"parse", lua::guarded<parse_arguments>},
                {"help", lua::guarded<help_text>},
                {"library", lua::guarded<cli_library>}});
}

}  // namespace opsh::host
