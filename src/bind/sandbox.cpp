#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "log/log.hpp"
#include "lua/object.hpp"
#include "sandbox/cache.hpp"
#include "sandbox/detached.hpp"
#include "sandbox/load.hpp"
#include "sandbox/psql.hpp"
#include "sandbox/server.hpp"
#include "text/printable.hpp"

namespace opsh::bind {
/// A sandbox of this process; empty after stop().
struct SandboxHandle {
  std::optional<sandbox::Server> server;

  sandbox::Server& get() {
    if (!server) throw Error{"sandbox.stopped", "this sandbox was stopped", "start another one"};
    return *server;
  }
};
}  // namespace opsh::bind

namespace opsh::lua {
template <>
const char* Object<bind::SandboxHandle>::name = "opsh.sandbox";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using SandboxObject = lua::Object<SandboxHandle>;

/// { load = file or nil, variables = { name = value }, durable = bool, listen_addresses =, port =, major = of the
/// server's version, settings = { name = value } }
sandbox::Options options_at(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  sandbox::Options options;
  options.durable = lua::boolean_field(L, index, "durable");
  options.listen_addresses = lua::string_field(L, index, "listen_addresses");
  options.port = static_cast<int>(count_field(L, index, "port"));
  options.major = static_cast<int>(count_field(L, index, "major"));
  for (const auto& setting : names_field(L, index, "settings")) options.settings.push_back(setting);
  options.content = {lua::string_field(L, index, "load"), names_field(L, index, "variables")};
  return options;
}

/// What a start has to say. Here and not in Lua, so that no caller can forget it.
void report_start(const std::vector<std::string>& warnings, const std::string& origin) {
  for (const auto& warning : warnings) log::warn(text::printable(warning));
  log::debug(text::printable(origin));
}

void push_running(lua_State* L, const sandbox::Running& running) {
  lua_createtable(L, 0, 8);
  lua::set_field(L, "conninfo", running.conninfo);
  lua::set_field(L, "directory", running.directory.string());
  lua::set_field(L, "version", running.version);
  lua::set_field(L, "pid", running.pid);
  lua::set_field(L, "started", running.started);
  lua::set_field(L, "binaries", running.binaries.string());
  lua::set_field(L, "age", sandbox::age(running).count());
  if (!running.loaded.empty()) lua::set_field(L, "loaded", running.loaded.string());
}

/// start{ load, variables, durable, listen_addresses, port, major, settings } -> sandbox
int start(lua_State* L) {
  sandbox::Options options = options_at(L, 1);
  auto& handle = SandboxObject::make(L);
  handle.server.emplace(sandbox::Server::start(options));
  report_start(handle.server->warnings(), handle.server->origin());
  return 1;
}

/// start_detached{ state_directory, and what start takes } -> { conninfo, directory, version, pid, started, binaries,
/// age, loaded or nil }
int start_detached(lua_State* L) {
  sandbox::Options options = options_at(L, 1);
  sandbox::Running running = sandbox::start_detached(options, lua::string_field(L, 1, "state_directory"));
  report_start(running.warnings, running.origin);
  push_running(L, running);
  return 1;
}

/// find(state_directory) -> what start_detached gives, or nothing
int find(lua_State* L) {
  auto running = sandbox::find(lua::check_string(L, 1));
  if (!running) return 0;
  push_running(L, *running);
  return 1;
}

/// stop(state_directory) -> whether there was one
int stop(lua_State* L) {
  lua_pushboolean(L, sandbox::stop(lua::check_string(L, 1)));
  return 1;
}

/// load(conninfo, file, variables or nil)
int load(lua_State* L) {
  sandbox::load(lua::check_string(L, 1), {lua::check_string(L, 2), names_at(L, 3, "variables")});
  return 0;
}

/// content_key(file, variables or nil) -> the same text for what loads the same; nothing when that cannot be told
int content_key(lua_State* L) {
  auto dependencies = sandbox::dependencies_of({lua::check_string(L, 1), names_at(L, 2, "variables")});
  if (dependencies.digest.empty()) return 0;
  lua::push(L, dependencies.digest);
  return 1;
}

/// psql(conninfo, binaries, arguments) -> its exit status
int psql(lua_State* L) {
  lua_pushnumber(L, sandbox::run_psql(lua::check_string(L, 1), lua::check_string(L, 2), lua::strings(L, 3)));
  return 1;
}

/// size_on_disk(directory) -> bytes
int size_on_disk(lua_State* L) {
  lua_pushnumber(L, static_cast<double>(sandbox::size_on_disk(lua::check_string(L, 1))));
  return 1;
}

/// clear_cache() -> templates, bytes
int clear_cache(lua_State* L) {
  auto freed = sandbox::Cache{}.clear();
  lua_pushnumber(L, static_cast<double>(freed.templates));
  lua_pushnumber(L, static_cast<double>(freed.bytes));
  return 2;
}

/// sandbox:conninfo(database or nil)
int server_conninfo(lua_State* L) {
  sandbox::Server& server = SandboxObject::check(L, 1).get();
  auto database = lua::optional_string(L, 2);
  lua::push(L, database ? server.conninfo(*database) : server.conninfo());
  return 1;
}

/// sandbox:create_database(name, original or nil) -> conninfo
int create_database(lua_State* L) {
  sandbox::Server& server = SandboxObject::check(L, 1).get();
  std::string name = lua::check_string(L, 2);
  auto original = lua::optional_string(L, 3);
  lua::push(L, original ? server.create_database(name, *original) : server.create_database(name));
  return 1;
}

int drop_database(lua_State* L) {
  SandboxObject::check(L, 1).get().drop_database(lua::check_string(L, 2));
  return 0;
}

/// sandbox:binaries() -> where its programs are
int server_binaries(lua_State* L) {
  lua::push(L, SandboxObject::check(L, 1).get().binaries().string());
  return 1;
}

int stop_server(lua_State* L) {
  SandboxObject::check(L, 1).server.reset();
  return 0;
}

}  // namespace

void open_sandbox(lua_State* L) {
  static const luaL_Reg server[] = {{"conninfo", lua::guarded<server_conninfo>},
                                    {"create_database", lua::guarded<create_database>},
                                    {"drop_database", lua::guarded<drop_database>},
                                    {"binaries", lua::guarded<server_binaries>},
                                    {"stop", lua::guarded<stop_server>},
                                    {nullptr, nullptr}};
  SandboxObject::define(L, server);
  module(L, "opsh.native.sandbox",
         {{"start", lua::guarded<start>},
          {"start_detached", lua::guarded<start_detached>},
          {"find", lua::guarded<find>},
          {"stop", lua::guarded<stop>},
          {"load", lua::guarded<load>},
          {"content_key", lua::guarded<content_key>},
          {"psql", lua::guarded<psql>},
          {"size_on_disk", lua::guarded<size_on_disk>},
          {"clear_cache", lua::guarded<clear_cache>}});
}

}  // namespace opsh::bind
