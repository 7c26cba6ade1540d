#include "host/state.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/redact.hpp"
#include "bind/module.hpp"
#include "host/interrupts.hpp"
#include "host/limits.hpp"
#include "host/loader.hpp"
#include "host/modules.hpp"
#include "lua/guard.hpp"
#include "lua/memory.hpp"

namespace opsh::host {
namespace {

int error_text(lua_State* L) {
  lua_getfield(L, 1, "message");
  return 1;
}

/// The number of a standard stream that was closed would be that of the next descriptor: a message to the operator
/// would go into a file, or into the talk with the server. What takes its place fails as a closed one does.
void hold_standard_streams() {
  for (int number : {0, 1, 2})
    if (::fcntl(number, F_GETFD) < 0) ::open("/dev/null", number == 0 ? O_WRONLY : O_RDONLY);
}

/// Lua's own limit on calls within calls must come before the end of the stack: string.gsub that calls itself takes
/// 70 MB until then. The kernel leaves at least 128 MB free below the stack (x86-64 and arm64).
void deepen_stack() {
  constexpr rlim_t wanted = rlim_t{96} << 20U;
  rlimit stack{};
  if (::getrlimit(RLIMIT_STACK, &stack) != 0 || stack.rlim_cur >= wanted) return;
  stack.rlim_cur = std::min(wanted, stack.rlim_max);
  ::setrlimit(RLIMIT_STACK, &stack);
}

/// Passwords and rows are in this process's memory: it leaves no core, and other processes of the same user cannot look
/// into it. A core that is piped to a program does not ask for the limit, so there are two.
void keep_memory_private() {
  rlimit core{};
  if (::getrlimit(RLIMIT_CORE, &core) == 0) core.rlim_cur = 0;
  ::setrlimit(RLIMIT_CORE, &core);
  ::prctl(PR_SET_DUMPABLE, 0);
  if (const char* password = std::getenv("PGPASSWORD")) redact::hide(password);
}

void open_libraries(lua_State* L) {
  luaL_openlibs(L);
  // A compiled loop runs no hooks, so Ctrl-C could not stop it; the interpreter costs 7 to 12 % (facts: LuaJIT).
  luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
  luaL_newmetatable(L, lua::error_metatable);
  lua_pushcfunction(L, error_text);
  lua_setfield(L, -2, "__tostring");
  // Hidden from scripts: what they change there would change for the host.
  lua_pushliteral(L, "opsh.error");
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  bind::open_all(L);
  open_host(L);
  open_cli(L);
  open_input(L);
  open_coverage(L);
}

/// What went wrong before or beneath opsh's own error handling.
int fail(lua_State* L) {
  const char* text = nullptr;
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "traceback");
    lua_getfield(L, -2, "message");
    text = lua_tostring(L, -1);
    std::fprintf(stderr, "opsh: %s\n%s\n", redact::redacted(text ? text : "?").c_str(),
                 lua_tostring(L, -2) ? lua_tostring(L, -2) : "");
  } else {
    text = lua_tostring(L, -1);
    std::fprintf(stderr, "opsh: %s\n", redact::redacted(text ? text : "unknown error").c_str());
  }
  return 1;
}

}  // namespace

int run(int argc, char** argv) {
  hold_standard_streams();
  deepen_stack();
  keep_memory_private();
  lua::Memory memory;
  lua_State* L = lua_newstate(&lua::Memory::allocate, &memory);
  // LuaJIT before it had 64-bit references (Ubuntu 22.04) takes no allocator but its own.
  bool is_own = L != nullptr;
  if (!L) L = luaL_newstate();
  std::unique_ptr<lua_State, decltype(&lua_close)> state{L, &lua_close};
  if (!L) {
    std::fputs("opsh: out of memory\n", stderr);
    return 1;
  }
  open_libraries(L);
  catch_interrupts(L);
  watch_lua(is_own ? &memory : nullptr);
  lua_pushcfunction(L, lua::guarded<require_module>);
  lua_pushliteral(L, "opsh.host.main");
  if (lua_pcall(L, 1, 1, 0) != 0) return fail(L);
  lua_createtable(L, argc, 0);
  for (int at = 1; at < argc; ++at) {
    lua_pushstring(L, argv[at]);
    lua_rawseti(L, -2, at);
  }
  if (lua_pcall(L, 1, 1, 0) != 0) return fail(L);
  return static_cast<int>(lua_tointeger(L, -1));
}

}  // namespace opsh::host
