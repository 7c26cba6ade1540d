#include "host/interrupts.hpp"

#include <csignal>

#include "base/interrupt.hpp"
#include "host/limits.hpp"
#include "lua/guard.hpp"

namespace opsh::host {
namespace {

lua_State* running = nullptr;
lua_Hook at_line = nullptr;
volatile std::sig_atomic_t idle = 0;
volatile std::sig_atomic_t to_end = 0;
volatile Stop stopped_by = Stop::interrupt;

int raise_stop(lua_State*) {
  if (stopped_by == Stop::memory) throw memory_error();
  if (stopped_by == Stop::time) throw time_error();
  throw Error{"interrupted", "interrupted"};
}

void hook(lua_State* L, lua_Debug*) {
  lua::guarded<raise_stop>(L);
}

void on_signal(int number) {
  if (number != SIGINT) to_end = 1;
  if (idle) return interrupt::request();
  if (interrupt::requested()) interrupt::end_process();
  interrupt::request();
  stop_lua(Stop::interrupt);
}

}  // namespace

void stop_lua(Stop why) {
  stopped_by = why;
  // lua_sethook is made to be called from a signal handler (lua.c does).
  lua_sethook(running, hook, LUA_MASKCOUNT, 1);
}

void catch_interrupts(lua_State* L) {
  running = L;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  // Writing reports them: a reader that is gone, a file-size limit.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void wait_idle(bool now) {
  idle = now ? 1 : 0;
}

bool asked_to_end() {
  return to_end != 0;
}

void end_interrupt(lua_State* L) {
  lua_sethook(L, at_line, at_line ? LUA_MASKLINE : 0, 0);
  recover_memory(L);
}

void follow_lines(lua_State* L, lua_Hook seen) {
  at_line = seen;
  // What stops Lua stays until it has done so.
  if (lua_gethook(L) != hook) lua_sethook(L, at_line, LUA_MASKLINE, 0);
}

}  // namespace opsh::host
