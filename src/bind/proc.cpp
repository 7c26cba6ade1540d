#include <poll.h>

#include <vector>

#include "base/interrupt.hpp"
#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "bind/spawned.hpp"
#include "lua/object.hpp"
#include "proc/run.hpp"

namespace opsh::bind {
/// A child process; empty after close().
struct ChildHandle {
  std::optional<Spawned> spawned;

  Spawned& get() {
    if (!spawned) throw Error{"process.closed", "this child process is closed"};
    return *spawned;
  }
};
}  // namespace opsh::bind

namespace opsh::lua {
template <>
const char* Object<bind::ChildHandle>::name = "opsh.child";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using ChildObject = lua::Object<ChildHandle>;

/// { argv = {...}, directory =, environment = { NAME = value }, death_signal = what it gets when opsh has ended before
/// it }
proc::Command command_at(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  proc::Command command;
  command.argv = lua::strings_field(L, index, "argv");
  if (command.argv.empty()) throw Error{"usage.argument", "argv must name a program"};
  command.directory = lua::string_field(L, index, "directory");
  command.environment.set = names_field(L, index, "environment");
  command.death_signal = static_cast<int>(count_field(L, index, "death_signal"));
  return command;
}

/// Fills the table on top: `exit` is the status of a process that ended by itself, else `signal` says what ended it.
void set_exit(lua_State* L, const proc::Exit& exit) {
  lua::set_field(L, exit.signal == 0 ? "exit" : "signal", exit.signal == 0 ? exit.status : exit.signal);
  lua::set_field(L, "text", exit.text());
}

void set_streams(lua_State* L, const std::string& output, bool output_cut, const std::string& errors, bool errors_cut) {
  lua::set_field(L, "output", output);
  lua::set_field(L, "errors", errors);
  lua::set_flag(L, "output_cut", output_cut);
  lua::set_flag(L, "errors_cut", errors_cut);
}

/// run{ argv, directory, environment, input, timeout } -> { exit or signal, text, output, errors, output_cut,
/// errors_cut, stopped = "deadline" or "interrupt" when opsh ended it }
int run(lua_State* L) {
  proc::Command command = command_at(L, 1);
  proc::Terms terms;
  lua_getfield(L, 1, "input");
  terms.input = lua::optional_string(L, -1);
  terms.deadline = deadline_field(L, 1, "timeout");
  proc::Outcome outcome = proc::run(std::move(command), terms);
  lua_createtable(L, 0, 7);
  set_exit(L, outcome.exit);
  set_streams(L, outcome.output, outcome.output_cut, outcome.errors, outcome.errors_cut);
  if (outcome.stopped != proc::Stopped::no)
    lua::set_field(L, "stopped", outcome.stopped == proc::Stopped::deadline ? "deadline" : "interrupt");
  return 1;
}

/// spawn{ argv, directory, environment, death_signal, is_written_to, shows_errors } -> child; with `is_written_to` it
/// reads what write() gives it, with `shows_errors` its standard error is ours
int spawn(lua_State* L) {
  proc::Command command = command_at(L, 1);
  if (lua::boolean_field(L, 1, "is_written_to")) command.input = proc::Stream::pipe;
  if (lua::boolean_field(L, 1, "shows_errors")) command.errors = proc::Stream::inherit;
  ChildObject::make(L).spawned.emplace(std::move(command));
  return 1;
}

/// wait_any(children, seconds): until one of them has written something or ended. Errors: "interrupted".
int wait_any(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  Deadline deadline = optional_deadline(L, 2);
  std::vector<pollfd> watched{{interrupt::shielded() ? -1 : interrupt::descriptor(), POLLIN, 0}};
  for (int at = 1; at <= static_cast<int>(lua_objlen(L, 1)); ++at) {
    lua_rawgeti(L, 1, at);
    Spawned& spawned = ChildObject::check(L, -1).get();
    watched.push_back({spawned.output().fd, POLLIN, 0});
    watched.push_back({spawned.child().ended(), POLLIN, 0});
    lua_pop(L, 1);
  }
  ::poll(watched.data(), watched.size(), deadline.poll_milliseconds());
  if (interrupt::heeded()) throw Error{"interrupted", "interrupted while waiting for child processes"};
  return 0;
}

/// find(program) -> its path, or nothing when there is none that may be executed
int find(lua_State* L) {
  auto found = proc::find_program(lua::check_string(L, 1));
  if (!found) return 0;
  lua::push(L, found->string());
  return 1;
}

int child_pid(lua_State* L) {
  lua_pushnumber(L, ChildObject::check(L, 1).get().child().pid());
  return 1;
}

int child_running(lua_State* L) {
  auto& spawned = ChildObject::check(L, 1).spawned;
  lua_pushboolean(L, spawned && spawned->child().running());
  return 1;
}

int child_signal(lua_State* L) {
  ChildObject::check(L, 1).get().child().signal(static_cast<int>(check_count(L, 2)));
  return 0;
}

/// child:wait(seconds or nil) -> what run gives, with the output that was not read before; nothing when it still runs.
int child_wait(lua_State* L) {
  Spawned& spawned = ChildObject::check(L, 1).get();
  auto exit = spawned.wait(optional_deadline(L, 2));
  if (!exit) return 0;
  lua_createtable(L, 0, 6);
  set_exit(L, *exit);
  set_streams(L, spawned.output().text, spawned.output().cut, spawned.errors().text, spawned.errors().cut);
  return 1;
}

/// child:read_output() -> what it wrote since the last time, "" when that is nothing; nil at the end.
int child_read_output(lua_State* L) {
  auto text = ChildObject::check(L, 1).get().read_output();
  if (!text) return 0;
  lua::push(L, *text);
  return 1;
}

/// child:write(text) Errors: "process.input" when it reads no more.
int child_write(lua_State* L) {
  ChildObject::check(L, 1).get().child().write(lua::view(L, 2));
  return 0;
}

/// child:close_input(): there is nothing more for it to read
int child_close_input(lua_State* L) {
  ChildObject::check(L, 1).get().child().close_input();
  return 0;
}

int child_close(lua_State* L) {
  ChildObject::check(L, 1).spawned.reset();
  return 0;
}

}  // namespace

void open_proc(lua_State* L) {
  static const luaL_Reg child[] = {{"pid", lua::guarded<child_pid>},
                                   {"running", lua::guarded<child_running>},
                                   {"signal", lua::guarded<child_signal>},
                                   {"wait", lua::guarded<child_wait>},
                                   {"read_output", lua::guarded<child_read_output>},
                                   {"write", lua::guarded<child_write>},
                                   {"close_input", lua::guarded<child_close_input>},
                                   {"close", lua::guarded<child_close>},
                                   {nullptr, nullptr}};
  ChildObject::define(L, child);
  module(L, "opsh.native.proc",
         {{"run", lua::guarded<run>},
          {"spawn", lua::guarded<spawn>},
          {"wait_any", lua::guarded<wait_any>},
          {"find", lua::guarded<find>}});
}

}  // namespace opsh::bind
