#include <unistd.h>

#include <vector>

#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "host/line_editor.hpp"
#include "host/line_reader.hpp"
#include "host/modules.hpp"
#include "host/typed.hpp"
#include "lua/object.hpp"

namespace opsh::lua {
template <>
const char* Object<host::LineEditor>::name = "opsh.editor";
}  // namespace opsh::lua

namespace opsh::host {
namespace {

using Editor = lua::Object<LineEditor>;

const char* name_of(Asked asked) {
  switch (asked) {
    case Asked::line:
      return "line";
    case Asked::completion:
      return "completion";
    case Asked::stirred:
      return "stirred";
    case Asked::waited:
      return "waited";
    case Asked::end:
      return "end";
    case Asked::interrupted:
      return "interrupted";
    case Asked::told_to_end:
      break;
  }
  return "told to end";
}

/// editor(path of the history, with colours)
int make_editor(lua_State* L) {
  Editor::make(L, lua::check_string(L, 1), lua_toboolean(L, 2) != 0);
  return 1;
}

std::vector<int> descriptors_field(lua_State* L, int index, const char* name) {
  std::vector<int> found;
  lua_getfield(L, index, name);
  if (lua_istable(L, -1)) {
    for (int at = 1; at <= static_cast<int>(lua_objlen(L, -1)); ++at) {
      lua_rawgeti(L, -1, at);
      found.push_back(static_cast<int>(lua_tointeger(L, -1)));
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return found;
}

/// ask{ prompt, style, next, text, watched = { descriptors }, seconds } -> "line", "completion", "stirred", "waited"
/// (so many seconds), "end", "interrupted" or "told to end"; the text; how many bytes of it stand before the cursor
int ask(lua_State* L) {
  luaL_checktype(L, 2, LUA_TTABLE);
  Question question{lua::string_field(L, 2, "prompt"),  lua::string_field(L, 2, "style"),
                    lua::string_field(L, 2, "next"),    lua::string_field(L, 2, "text"),
                    descriptors_field(L, 2, "watched"), bind::deadline_field(L, 2, "seconds")};
  Answer answer = Editor::check(L, 1).ask(question);
  lua_pushstring(L, name_of(answer.asked));
  lua::push(L, std::string_view{answer.text});
  lua_pushnumber(L, static_cast<double>(answer.point));
  return 3;
}

int leave(lua_State* L) {
  Editor::check(L, 1).leave();
  return 0;
}

int hide(lua_State* L) {
  Editor::check(L, 1).hide();
  return 0;
}

/// replace(bytes that stay, text): after a completion; the text comes in the place of what stands between them and the
/// cursor
int replace(lua_State* L) {
  Editor::check(L, 1).replace(bind::check_count(L, 2), lua::check_string(L, 3));
  return 0;
}

int remember(lua_State* L) {
  Editor::check(L, 1).remember(lua::check_string(L, 2));
  return 0;
}

/// trouble() -> why the history cannot be written, or nothing
int trouble(lua_State* L) {
  const auto& found = Editor::check(L, 1).trouble();
  if (!found) return 0;
  lua::push(L, std::string_view{*found});
  return 1;
}

/// looks(text) -> "lua", "sql" or "command", while it is typed
int looks(lua_State* L) {
  constexpr const char* names[] = {"lua", "sql", "command"};
  lua_pushstring(L, names[static_cast<int>(looks_like(lua::check_string(L, 1)))]);
  return 1;
}

/// line() -> the next one of standard input, nothing at its end
int next_line(lua_State* L) {
  static LineReader input{STDIN_FILENO};
  auto line = input.next();
  if (!line) return 0;
  lua::push(L, std::string_view{*line});
  return 1;
}

}  // namespace

void open_input(lua_State* L) {
  static const luaL_Reg methods[] = {{"ask", lua::guarded<ask>},
                                     {"leave", lua::guarded<leave>},
                                     {"hide", lua::guarded<hide>},
                                     {"replace", lua::guarded<replace>},
                                     {"remember", lua::guarded<remember>},
                                     {"trouble", lua::guarded<trouble>},
                                     {nullptr, nullptr}};
  Editor::define(L, methods);
  bind::module(
      L, "opsh.native.input",
      {{"editor", lua::guarded<make_editor>}, {"line", lua::guarded<next_line>}, {"looks", lua::guarded<looks>}});
}

}  // namespace opsh::host
