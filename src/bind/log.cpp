#include "log/log.hpp"

#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>

#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "text/printable.hpp"

namespace opsh::bind {
namespace {

constexpr std::array levels{std::pair{"debug", log::Level::debug}, std::pair{"info", log::Level::info},
                            std::pair{"warning", log::Level::warning}, std::pair{"error", log::Level::error},
                            std::pair{"off", log::Level::off}};
constexpr std::array colors{std::pair{"automatic", log::Color::automatic}, std::pair{"always", log::Color::always},
                            std::pair{"never", log::Color::never}};

/// The value that a field names; the first of `values` stands for what is possible.
template <typename Value, std::size_t count>
Value choice_field(lua_State* L, int index, const char* name,
                   const std::array<std::pair<const char*, Value>, count>& values, const char* fallback) {
  std::string given = lua::string_field(L, index, name, fallback);
  std::string possible;
  for (const auto& [text, value] : values) {
    if (given == text) return value;
    possible += possible.empty() ? text : fmt::format(", {}", text);
  }
  throw Error{"usage.argument", fmt::format("{} cannot be \"{}\"", name, text::printable(given)),
              fmt::format("it is one of {}", possible)};
}

/// start{ level = "info", color = "automatic" }
int start(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  log::start({choice_field(L, 1, "level", levels, "info"), choice_field(L, 1, "color", colors, "automatic")});
  return 0;
}

/// Each line through printable(), which would escape the line breaks as well.
std::string printable_lines(std::string_view text) {
  std::string shown;
  while (true) {
    auto end = text.find('\n');
    shown += text::printable(text.substr(0, end));
    if (end == text.npos) return shown;
    shown += '\n';
    text.remove_prefix(end + 1);
  }
}

template <void (*write)(std::string_view)>
int message(lua_State* L) {
  write(printable_lines(lua::check_string(L, 1)));
  return 0;
}

}  // namespace

void open_log(lua_State* L) {
  module(L, "opsh.native.log",
         {{"start", lua::guarded<start>},
          {"debug", lua::guarded<message<log::debug>>},
          {"info", lua::guarded<message<log::info>>},
          {"warn", lua::guarded<message<log::warn>>},
          {"error", lua::guarded<message<log::error>>}});
}

}  // namespace opsh::bind
