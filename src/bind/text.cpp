#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "text/nearest.hpp"
#include "text/printable.hpp"
#include "text/width.hpp"

namespace opsh::bind {
namespace {

int width(lua_State* L) {
  lua_pushnumber(L, static_cast<double>(text::width(lua::check_string(L, 1))));
  return 1;
}

int pad_left(lua_State* L) {
  lua::push(L, text::pad_left(lua::check_string(L, 1), check_count(L, 2)));
  return 1;
}

int pad_right(lua_State* L) {
  lua::push(L, text::pad_right(lua::check_string(L, 1), check_count(L, 2)));
  return 1;
}

/// fit(text, columns, ellipsis or nil)
int fit(lua_State* L) {
  std::string wide = lua::check_string(L, 1);
  std::size_t columns = check_count(L, 2);
  auto ellipsis = lua::optional_string(L, 3);
  lua::push(L, ellipsis ? text::fit(wide, columns, *ellipsis) : text::fit(wide, columns));
  return 1;
}

int printable(lua_State* L) {
  lua::push(L, text::printable(lua::check_string(L, 1)));
  return 1;
}

/// nearest(word, candidates) -> a candidate, or nothing
int nearest(lua_State* L) {
  auto found = text::nearest(lua::check_string(L, 1), lua::strings(L, 2));
  if (!found) return 0;
  lua::push(L, *found);
  return 1;
}

}  // namespace

void open_text(lua_State* L) {
  module(L, "opsh.native.text",
         {{"width", lua::guarded<width>},
          {"pad_left", lua::guarded<pad_left>},
          {"pad_right", lua::guarded<pad_right>},
          {"fit", lua::guarded<fit>},
          {"printable", lua::guarded<printable>},
          {"nearest", lua::guarded<nearest>}});
}

}  // namespace opsh::bind
