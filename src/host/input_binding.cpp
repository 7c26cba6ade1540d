#include <unistd.h>

#include "bind/module.hpp"
#include "host/line_editor.hpp"
#include "host/line_reader.hpp"
#include "host/modules.hpp"
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
    case Asked::end:
      return "end";
    case Asked::interrupted:
      return "interrupted";
    case Asked::told_to_end:
      break;
  }
  return "told to end";
}

/// editor(path of the history)
int make_editor(lua_State* L) {
  Editor::make(L, lua::check_string(L, 1));
  return 1;
}

/// ask(prompt) -> "line", "end", "interrupted" or "told to end"; the line
int ask(lua_State* L) {
  Answer answer = Editor::check(L, 1).ask(lua::check_string(L, 2));
  lua_pushstring(L, name_of(answer.asked));
  lua::push(L, std::string_view{answer.line});
  return 2;
}

int remember(lua_State* L) {
  Editor::check(L, 1).remember(lua::check_string(L, 2));
  return 0;
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
  static const luaL_Reg methods[] = {
      {"ask", lua::guarded<ask>}, {"remember", lua::guarded<remember>}, {nullptr, nullptr}};
  Editor::define(L, methods);
  bind::module(L, "opsh.native.input", {{"editor", lua::guarded<make_editor>}, {"line", lua::guarded<next_line>}});
}

}  // namespace opsh::host
