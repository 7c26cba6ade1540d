#include <fmt/format.h>
#include <poll.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <thread>

#include "base/clock.hpp"
#include "base/interrupt.hpp"
#include "bind/arguments.hpp"
#include "bind/console.hpp"
#include "bind/files.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"

namespace opsh::bind {
namespace {

int write_out(lua_State* L) {
  console::write_out(lua::check_string(L, 1));
  return 0;
}

int write_error(lua_State* L) {
  console::write_error(lua::check_string(L, 1));
  return 0;
}

int terminal(lua_State* L) {
  auto [is_terminal, columns, rows] = console::terminal(static_cast<int>(check_count(L, 1)));
  lua_createtable(L, 0, 3);
  lua::set_flag(L, "terminal", is_terminal);
  lua::set_field(L, "columns", columns);
  lua::set_field(L, "rows", rows);
  return 1;
}

int environment(lua_State* L) {
  lua_pushstring(L, std::getenv(lua::check_string(L, 1).c_str()));
  return 1;
}

int working_directory(lua_State* L) {
  lua::push(L, files::real_path("."));
  return 1;
}

/// The login name of the passwd database: an environment variable would be whatever somebody says. The number for a
/// user without a name, as `id -un` does not find in a container.
std::string login_name() {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found);
  return found ? found->pw_name : std::to_string(::getuid());
}

int user(lua_State* L) {
  lua::push(L, login_name());
  return 1;
}

int uid(lua_State* L) {
  lua_pushnumber(L, ::getuid());
  return 1;
}

int host(lua_State* L) {
  std::array<char, HOST_NAME_MAX + 1> name{};
  ::gethostname(name.data(), name.size() - 1);
  lua_pushstring(L, name.data());
  return 1;
}

int pid(lua_State* L) {
  lua_pushnumber(L, ::getpid());
  return 1;
}

/// cpus() -> how many this process may use
int cpus(lua_State* L) {
  lua_pushnumber(L, std::max(1U, std::thread::hardware_concurrency()));
  return 1;
}

int utc(lua_State* L) {
  lua::push(L, utc_now());
  return 1;
}

int clock_seconds(lua_State* L) {
  lua_pushnumber(L, Seconds{Clock::now().time_since_epoch()}.count());
  return 1;
}

void pause(Deadline deadline) {
  while (true) {
    if (interrupt::heeded()) throw Error{"interrupted", "interrupted while waiting"};
    if (deadline.passed()) return;
    // Under a shield the descriptor stays readable: watching it would spin.
    pollfd watched{interrupt::shielded() ? -1 : interrupt::descriptor(), POLLIN, 0};
    ::poll(&watched, 1, deadline.poll_milliseconds());
  }
}

int sleep(lua_State* L) {
  pause(Deadline::in(check_seconds(L, 1)));
  return 0;
}

int read_file(lua_State* L) {
  lua::push(L, files::read(lua::check_string(L, 1)));
  return 1;
}

/// write_file(path, content, others may read it or nil)
int write_file(lua_State* L) {
  files::write(lua::check_string(L, 1), lua::check_string(L, 2), lua_toboolean(L, 3) ? 0644 : 0600);
  return 0;
}

/// replace_file(path, content): as write_file, and the file keeps its mode and owner
int replace_file(lua_State* L) {
  files::replace(lua::check_string(L, 1), lua::check_string(L, 2));
  return 0;
}

/// obstacle(path) -> the error that replace_file would raise, or nothing
int obstacle(lua_State* L) {
  auto found = files::obstacle(lua::check_string(L, 1));
  if (!found) return 0;
  lua::push_error(L, *found);
  return 1;
}

/// make_directory(path, others may look into it or nil)
int make_directory(lua_State* L) {
  files::make_directory(lua::check_string(L, 1), lua_toboolean(L, 2) ? 0755 : 0700);
  return 0;
}

int file_kind(lua_State* L) {
  switch (files::kind(lua::check_string(L, 1))) {
    case files::Kind::missing:
      return 0;
    case files::Kind::file:
      lua_pushliteral(L, "file");
      break;
    case files::Kind::directory:
      lua_pushliteral(L, "directory");
      break;
    case files::Kind::other:
      lua_pushliteral(L, "other");
      break;
  }
  return 1;
}

int list(lua_State* L) {
  lua::push(L, files::list(lua::check_string(L, 1)));
  return 1;
}

int real_path(lua_State* L) {
  lua::push(L, files::real_path(lua::check_string(L, 1)));
  return 1;
}

int remove_tree(lua_State* L) {
  files::remove_tree(lua::check_string(L, 1));
  return 0;
}

int interrupted(lua_State* L) {
  lua_pushboolean(L, interrupt::requested());
  return 1;
}

int on_second_interrupt(lua_State* L) {
  interrupt::on_second(static_cast<int>(check_count(L, 1)), lua::check_string(L, 2));
  return 0;
}

}  // namespace

void open_system(lua_State* L) {
  module(L, "opsh.native.system",
         {{"write_out", lua::guarded<write_out>},
          {"write_error", lua::guarded<write_error>},
          {"terminal", lua::guarded<terminal>},
          {"environment", lua::guarded<environment>},
          {"working_directory", lua::guarded<working_directory>},
          {"user", lua::guarded<user>},
          {"uid", lua::guarded<uid>},
          {"host", lua::guarded<host>},
          {"pid", lua::guarded<pid>},
          {"cpus", lua::guarded<cpus>},
          {"utc_now", lua::guarded<utc>},
          {"clock", lua::guarded<clock_seconds>},
          {"sleep", lua::guarded<sleep>},
          {"read_file", lua::guarded<read_file>},
          {"write_file", lua::guarded<write_file>},
          {"replace_file", lua::guarded<replace_file>},
          {"obstacle", lua::guarded<obstacle>},
          {"make_directory", lua::guarded<make_directory>},
          {"file_kind", lua::guarded<file_kind>},
          {"list", lua::guarded<list>},
          {"real_path", lua::guarded<real_path>},
          {"remove_tree", lua::guarded<remove_tree>},
          {"interrupted", lua::guarded<interrupted>},
          {"on_second_interrupt", lua::guarded<on_second_interrupt>}});
}

}  // namespace opsh::bind
