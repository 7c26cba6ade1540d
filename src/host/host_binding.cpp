#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/interrupt.hpp"
#include "base/redact.hpp"
#include "bind/module.hpp"
#include "host/embedded.hpp"
#include "host/interrupts.hpp"
#include "host/limits.hpp"
#include "host/loader.hpp"
#include "host/modules.hpp"
#include "host/version.hpp"
#include "lua/guard.hpp"

namespace opsh::host {
namespace {

/// load(text, chunk name) -> function, or nil and the message. Source only: bytecode can crash the process.
int load(lua_State* L) {
  std::string text = lua::check_string(L, 1), name = "@" + lua::check_string(L, 2);
  if (luaL_loadbufferx(L, text.data(), text.size(), name.c_str(), "t") == 0) return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

/// The field of an error table when it is a text. Raw, because a script's metatable may raise.
std::optional<std::string> text_field(lua_State* L, const char* name) {
  lua_pushstring(L, name);
  lua_rawget(L, 1);
  std::optional<std::string> text;
  if (lua_type(L, -1) == LUA_TSTRING) text = lua::check_string(L, -1);
  lua_pop(L, 1);
  return text;
}

/// What a script raised, in words: a text, or a table with a message.
std::string raised_text(lua_State* L) {
  if (lua_istable(L, 1)) return text_field(L, "message").value_or("an error that is a table without kind and message");
  return lua_tostring(L, 1) ? lua_tostring(L, 1) : fmt::format("an error of type {}", luaL_typename(L, 1));
}

/// The error table at 1, when it has what everything else relies on; its message goes into records.
bool is_structured(lua_State* L) {
  auto message = lua_istable(L, 1) && text_field(L, "kind") ? text_field(L, "message") : std::nullopt;
  if (message && redact::holds(*message)) {
    lua_pushliteral(L, "message");
    lua::push(L, redact::redacted(*message));
    lua_rawset(L, 1);
  }
  return message.has_value();
}

/// Turns a plain error ("x.lua:3: attempt to index ...") into the table that everything else raises. A table of the
/// script's own is left as it is when it has what everything else relies on.
int structured(lua_State* L) {
  if (is_structured(L)) return 1;
  std::string text = raised_text(L);
  Error error{"script.error", text};
  // "file:line: " goes where it belongs.
  std::size_t colon = text.find(':'), after = text.find(": ", colon + 1);
  if (colon != std::string::npos && after != std::string::npos &&
      text.find_first_not_of("0123456789", colon + 1) == after) {
    error.where = text.substr(0, after);
    error.message = text.substr(after + 2);
    if (error.where.rfind(lua::own_chunks.substr(1), 0) == 0) error.kind = "internal";
  }
  if (error.message.empty()) error.message = "an error without a message";
  lua::push_error(L, error);
  return 1;
}

/// Whether the error on top of the stack is one of this kind.
bool is_of_kind(lua_State* L, std::string_view kind) {
  if (!lua_istable(L, -1)) return false;
  lua_pushliteral(L, "kind");
  lua_rawget(L, -2);
  bool same = lua_type(L, -1) == LUA_TSTRING && lua::view(L, -1) == kind;
  lua_pop(L, 1);
  return same;
}

/// attempt(f, ...) -> true and results, or false and an error table. For calls that a script makes: an interrupt goes
/// on behind it, so that no script can eat one.
int attempt(lua_State* L) {
  luaL_checkany(L, 1);
  lua_pushcfunction(L, lua::guarded<structured>);
  lua_insert(L, 1);
  int status = 0;
  {
    lua::InLua there;
    status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
  }
  // Lua calls no handler for these, and gives a text; to which coroutines that pass it on add where they are.
  if (status == LUA_ERRMEM || (status != 0 && memory_reached() && is_of_kind(L, "script.error"))) {
    lua_pop(L, 1);
    lua::push_error(L, memory_error());
  }
  lua_pushboolean(L, status == 0);
  lua_replace(L, 1);
  return lua_gettop(L);
}

/// protect(f, ...): the same for the host's own calls. Here an interrupt ends.
int protect(lua_State* L) {
  int results = attempt(L);
  end_interrupt(L);
  return results;
}

/// pass_interrupt(): an interrupt that ended in the host's own calls goes on in the script that made them.
int pass_interrupt(lua_State*) {
  if (interrupt::heeded()) stop_lua(Stop::interrupt);
  return 0;
}

/// shielded(f, ...): protect, and while it runs waits are not cut short by an interrupt that was requested before.
int shielded(lua_State* L) {
  interrupt::Shield shield;
  return protect(L);
}

/// idle(): from here on signals stop nothing but what `chunk` runs.
int idle(lua_State*) {
  wait_idle(true);
  return 0;
}

/// An interrupt that has cancelled a statement, on top of the stack, gets the SQLSTATE that the server gave it.
void add_sqlstate(lua_State* L) {
  const std::string sqlstate = interrupt::cancelled_as();
  if (sqlstate.empty() || !is_of_kind(L, "interrupted")) return;
  lua_pushliteral(L, "sqlstate");
  lua::push(L, std::string_view{sqlstate});
  lua_rawset(L, -3);
}

/// chunk(f, ...): protect, for what runs between two lines of the prompt: an interrupt of it is over with it.
int chunk(lua_State* L) {
  wait_idle(false);
  int results = protect(L);
  wait_idle(true);
  end_interrupt(L);
  add_sqlstate(L);
  interrupt::clear();
  return results;
}

/// raise(kind, message, hint, where, excerpt)
int raise(lua_State* L) {
  Error error{lua::check_string(L, 1), lua::check_string(L, 2), lua::optional_string(L, 3).value_or("")};
  error.where = lua::optional_string(L, 4).value_or("");
  error.excerpt = lua::optional_string(L, 5).value_or("");
  throw error;
}

/// limit{ megabytes, seconds }: what a script may use; 0 for no limit, and what is missing stays
int limit(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  double megabytes = lua::number_field(L, 1, "megabytes", -1), seconds = lua::number_field(L, 1, "seconds", -1);
  constexpr double most = 0x1p40;
  if (megabytes >= 0) limit_memory(static_cast<std::size_t>(megabytes == 0 ? most : megabytes) << 20U);
  if (seconds >= 0) limit_time(Seconds{seconds});
  return 0;
}

/// show_loops(): says on the terminal that Lua runs for long
int show_long_loops(lua_State*) {
  show_loops();
  return 0;
}

int version_text(lua_State* L) {
  lua::push(L, version());
  return 1;
}

int commit_text(lua_State* L) {
  lua::push(L, commit());
  return 1;
}

int has_module(lua_State* L) {
  std::string name = lua::check_string(L, 1);
  auto sources = embedded_sources();
  lua_pushboolean(
      L, std::any_of(sources.begin(), sources.end(), [&](const auto& source) { return source.module == name; }));
  return 1;
}

/// modules() -> the names that require takes in a runbook
int modules(lua_State* L) {
  std::vector<std::string> names;
  for (const auto& source : embedded_sources()) {
    bool is_module = source.module != source.path, is_inner = source.module.find("._") != std::string_view::npos;
    if (is_module && !is_inner && !source.module.starts_with("opsh.host.")) names.emplace_back(source.module);
  }
  lua::push(L, names);
  return 1;
}

}  // namespace

void open_host(lua_State* L) {
  bind::module(L, "opsh.native.host",
               {
                   {"load", lua::guarded<load>},
                   {"attempt", lua::guarded<attempt>},
                   {"protect", lua::guarded<protect>},
                   {"pass_interrupt", lua::guarded<pass_interrupt>},
                   {"shielded", lua::guarded<shielded>},
                   {"idle", lua::guarded<idle>},
                   {"chunk", lua::guarded<chunk>},
                   {"raise", lua::guarded<raise>},
                   {"limit", lua::guarded<limit>},
                   {"show_loops", lua::guarded<show_long_loops>},
                   {"version", lua::guarded<version_text>},
                   {"commit", lua::guarded<commit_text>},
                   {"has_module", lua::guarded<has_module>},
                   {"modules", lua::guarded<modules>},
                   {"asset", lua::guarded<asset>},
                   {"structured", lua::guarded<structured>},
               });
  lua_pushcfunction(L, lua::guarded<require_module>);
  lua_setglobal(L, "require");
}

}  // namespace opsh::host
