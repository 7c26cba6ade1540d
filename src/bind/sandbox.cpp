#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "lua/object.hpp"
#include "sandbox/detached.hpp"
#include "sandbox/load.hpp"
#include "sandbox/server.hpp"

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

/// { durable = bool, listen_addresses =, port =, settings = { name = value } }
sandbox::Options options_at(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  sandbox::Options options;
  options.durable = lua::boolean_field(L, index, "durable");
  options.listen_addresses = lua::string_field(L, index, "listen_addresses");
  options.port = static_cast<int>(count_field(L, index, "port"));
  for (const auto& setting : names_field(L, index, "settings")) options.settings.push_back(setting);
  return options;
}

/// What is to be there from the start: { load = file or nil, variables = { name = value } }
struct Content {
  std::string file;
  std::map<std::string, std::string> variables;

  Content(lua_State* L, int index)
      : file(lua::string_field(L, index, "load")), variables(names_field(L, index, "variables")) {}

  void load_into(const std::string& conninfo) const {
    if (!file.empty()) sandbox::load(conninfo, file, variables);
  }
};

/// Stops a detached sandbox again unless it got its content: nobody was told of it.
class Unfinished {
 public:
  explicit Unfinished(const std::string& state) : state_(state) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    if (finished_) return;
    try {
      sandbox::stop(state_);
    } catch (const std::exception&) {
      // The error that led here is the one to report; `opsh sandbox stop` can try again.
    }
  }
  void finish() { finished_ = true; }

 private:
  const std::string& state_;
  bool finished_ = false;
};

void push_running(lua_State* L, const sandbox::Running& running) {
  lua_createtable(L, 0, 5);
  lua::set_field(L, "conninfo", running.conninfo);
  lua::set_field(L, "directory", running.directory.string());
  lua::set_field(L, "version", running.version);
  lua::set_field(L, "pid", running.pid);
  lua::set_field(L, "started", running.started);
}

/// start{ load, variables, durable, listen_addresses, port, settings } -> sandbox
int start(lua_State* L) {
  sandbox::Options options = options_at(L, 1);
  Content content{L, 1};
  auto& handle = SandboxObject::make(L);
  sandbox::Server server = sandbox::Server::start(options);
  content.load_into(server.conninfo());
  handle.server.emplace(std::move(server));
  return 1;
}

/// start_detached{ state_directory, and what start takes } -> { conninfo, directory, version, pid, started }
int start_detached(lua_State* L) {
  sandbox::Options options = options_at(L, 1);
  Content content{L, 1};
  std::string state = lua::string_field(L, 1, "state_directory");
  sandbox::Running running = sandbox::start_detached(options, state);
  Unfinished unfinished{state};
  content.load_into(running.conninfo);
  unfinished.finish();
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
  sandbox::load(lua::check_string(L, 1), lua::check_string(L, 2), names_at(L, 3, "variables"));
  return 0;
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

int stop_server(lua_State* L) {
  SandboxObject::check(L, 1).server.reset();
  return 0;
}

}  // namespace

void open_sandbox(lua_State* L) {
  static const luaL_Reg server[] = {{"conninfo", lua::guarded<server_conninfo>},
                                    {"create_database", lua::guarded<create_database>},
                                    {"drop_database", lua::guarded<drop_database>},
                                    {"stop", lua::guarded<stop_server>},
                                    {nullptr, nullptr}};
  SandboxObject::define(L, server);
  module(L, "opsh.native.sandbox",
         {{"start", lua::guarded<start>},
          {"start_detached", lua::guarded<start_detached>},
          {"find", lua::guarded<find>},
          {"stop", lua::guarded<stop>},
          {"load", lua::guarded<load>}});
}

}  // namespace opsh::bind
