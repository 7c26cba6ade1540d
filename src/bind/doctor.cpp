#include <pwd.h>
#include <unistd.h>

#include <array>

#include "bind/files.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "db/libraries.hpp"
#include "digest/libraries.hpp"
#include "journal/schema.hpp"
#include "json/libraries.hpp"
#include "log/libraries.hpp"
#include "lua/libraries.hpp"
#include "proc/command.hpp"
#include "sandbox/binaries.hpp"
#include "sql/libraries.hpp"
#include "text/libraries.hpp"

namespace opsh::bind {
namespace {

/// libraries() -> { { name, compiled, running (missing when it is not known) } }
int libraries(lua_State* L) {
  lua_newtable(L);
  int count = 0;
  for (auto told : {db::libraries, sql::libraries, lua::libraries, log::libraries, json::libraries, digest::libraries,
                    text::libraries})
    for (const Library& library : told()) {
      lua_createtable(L, 0, 3);
      lua::set_field(L, "name", library.name);
      lua::set_field(L, "compiled", library.compiled);
      if (!library.running.empty()) lua::set_field(L, "running", library.running);
      lua_rawseti(L, -2, ++count);
    }
  return 1;
}

/// server_programs() -> { directory, version } of the installation that sandboxes are made with.
int server_programs(lua_State* L) {
  sandbox::Binaries binaries = sandbox::find_binaries();
  lua_createtable(L, 0, 2);
  lua::set_field(L, "directory", binaries.directory.string());
  lua::set_field(L, "version", binaries.version);
  return 1;
}

/// find_program(name) -> its absolute path, or nothing
int find_program(lua_State* L) {
  auto found = proc::find_program(lua::check_string(L, 1));
  if (!found) return 0;
  lua::push(L, found->string());
  return 1;
}

std::string user_name(unsigned id) {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(id, &entry, buffer.data(), buffer.size(), &found);
  return found ? found->pw_name : std::to_string(id);
}

/// file_status(path) -> { mode, owner, is_own }
int file_status(lua_State* L) {
  files::Status status = files::status(lua::check_string(L, 1));
  lua_createtable(L, 0, 3);
  lua::set_field(L, "mode", status.mode);
  lua::set_field(L, "owner", user_name(status.owner));
  lua::set_flag(L, "is_own", status.owner == ::geteuid());
  return 1;
}

/// may_write(path): whether this user may make files in the directory.
int may_write(lua_State* L) {
  lua_pushboolean(L, ::access(lua::check_string(L, 1).c_str(), W_OK | X_OK) == 0);
  return 1;
}

int free_space(lua_State* L) {
  lua_pushnumber(L, static_cast<double>(files::free_space(lua::check_string(L, 1))));
  return 1;
}

/// directory_content(path) -> { bytes, files }
int directory_content(lua_State* L) {
  files::Content content = files::content(lua::check_string(L, 1));
  lua_createtable(L, 0, 2);
  lua::set_field(L, "bytes", static_cast<double>(content.bytes));
  lua::set_field(L, "files", static_cast<double>(content.files));
  return 1;
}

/// The version of the schema opsh that this program writes.
int ledger_version(lua_State* L) {
  lua_pushnumber(L, journal::schema_version);
  return 1;
}

}  // namespace

void open_doctor(lua_State* L) {
  module(L, "opsh.native.doctor",
         {{"libraries", lua::guarded<libraries>},
          {"server_programs", lua::guarded<server_programs>},
          {"find_program", lua::guarded<find_program>},
          {"file_status", lua::guarded<file_status>},
          {"may_write", lua::guarded<may_write>},
          {"free_space", lua::guarded<free_space>},
          {"directory_content", lua::guarded<directory_content>},
          {"ledger_version", lua::guarded<ledger_version>}});
}

}  // namespace opsh::bind
