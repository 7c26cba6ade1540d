#include <memory>
#include <optional>

#include "backup/archive.hpp"
#include "backup/dump.hpp"
#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "bind/session.hpp"
#include "lua/object.hpp"

namespace opsh::bind {
/// A work of src/backup; empty after close().
struct WorkHandle {
  std::unique_ptr<backup::Work> work;
  backup::Dump* dump = nullptr;  ///< the work, when it is one
  backup::Tools tools = {};      ///< of the dump

  backup::Work& get() {
    if (!work) throw Error{"backup.closed", "this work is closed"};
    return *work;
  }
};

struct ArchiveHandle {
  std::optional<backup::Archive> archive;

  const backup::Archive& get() const {
    if (!archive) throw Error{"backup.closed", "this dump is closed"};
    return *archive;
  }
};
}  // namespace opsh::bind

namespace opsh::lua {
template <>
const char* Object<bind::WorkHandle>::name = "opsh.backup_work";
template <>
const char* Object<bind::ArchiveHandle>::name = "opsh.backup_archive";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using WorkObject = lua::Object<WorkHandle>;
using ArchiveObject = lua::Object<ArchiveHandle>;

/// { prefix = {...}, directory =, connect = } or nothing. `connect` is for dumps: see DumpOptions.
backup::Tools tools_at(lua_State* L, int index) {
  if (lua_isnoneornil(L, index)) return {};
  luaL_checktype(L, index, LUA_TTABLE);
  return {lua::strings_field(L, index, "prefix"), lua::string_field(L, index, "directory")};
}

backup::Tools tools_field(lua_State* L, int index) {
  lua_getfield(L, index, "tools");
  backup::Tools tools = tools_at(L, lua_gettop(L));
  lua_pop(L, 1);
  return tools;
}

std::string connect_of_tools(lua_State* L, int index) {
  lua_getfield(L, index, "tools");
  std::string connect = lua_istable(L, -1) ? lua::string_field(L, lua_gettop(L), "connect") : std::string{};
  lua_pop(L, 1);
  return connect;
}

ReaderHandle* session_field(lua_State* L, int index) {
  lua_getfield(L, index, "session");
  ReaderHandle* session = lua_isnil(L, -1) ? nullptr : &lua::Object<ReaderHandle>::check(L, lua_gettop(L));
  lua_pop(L, 1);
  return session;
}

/// session = an open one, or connect = conninfo with insecure = reason; behind a prefix, connect as it is seen there.
backup::Client client_at(lua_State* L, int index, const backup::Tools& tools) {
  const std::string connect = lua::string_field(L, index, "connect");
  if (!tools.prefix.empty()) return backup::Client::elsewhere(connect);
  if (ReaderHandle* session = session_field(L, index)) return backup::Client::of(session->get().connection());
  db::Target target{.conninfo = connect};
  target.insecure = lua::string_field(L, index, "insecure");
  return backup::Client::of(target);
}

std::vector<sql::QualifiedName> tables_field(lua_State* L, int index) {
  std::vector<sql::QualifiedName> tables;
  for (const auto& text : lua::strings_field(L, index, "tables")) {
    tables.push_back(sql::parse_qualified_name(text));
    if (tables.back().schema().empty())
      throw Error{"backup.tables", "a table to restore is named without its schema: " + text, "write schema.name"};
  }
  return tables;
}

int push_work(lua_State* L, std::unique_ptr<backup::Work> work) {
  WorkObject::make(L).work = std::move(work);
  return 1;
}

/// tool_version(tools or nil, "pg_dump" or "pg_restore") -> "15.18"
int tool_version(lua_State* L) {
  lua::push(L, backup::find_program(tools_at(L, 1), lua::check_string(L, 2)).version);
  return 1;
}

/// dump{ session, tools = { prefix, directory, connect }, snapshot, role, file, tables, jobs, hash, lock_seconds } ->
/// work
int dump(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  ReaderHandle* session = session_field(L, 1);
  if (!session) throw Error{"usage.argument", "a dump needs an open session"};
  backup::DumpOptions options;
  options.tools = tools_field(L, 1);
  options.connect = connect_of_tools(L, 1);
  options.snapshot = lua::string_field(L, 1, "snapshot");
  options.role = lua::string_field(L, 1, "role");
  options.file = lua::string_field(L, 1, "file");
  options.tables = lua::strings_field(L, 1, "tables");
  options.jobs = static_cast<int>(count_field(L, 1, "jobs"));
  options.hash = lua::boolean_field(L, 1, "hash");
  options.lock_within = Seconds{lua::number_field(L, 1, "lock_seconds", options.lock_within.count())};
  auto work = std::make_unique<backup::Dump>(session->get(), options);
  auto& handle = WorkObject::make(L);
  handle.dump = work.get();
  handle.tools = options.tools;
  handle.work = std::move(work);
  return 1;
}

/// open(path, tools or nil) -> archive
int open_archive(lua_State* L) {
  const std::string path = lua::check_string(L, 1);
  auto archive = backup::Archive::open(path, tools_at(L, 2));
  ArchiveObject::make(L).archive.emplace(std::move(archive));
  return 1;
}

/// work:step(seconds) -> whether it is done
int work_step(lua_State* L) {
  lua_pushboolean(L, WorkObject::check(L, 1).get().step(Deadline::in(check_seconds(L, 2))));
  return 1;
}

int work_bytes(lua_State* L) {
  lua_pushnumber(L, static_cast<double>(WorkObject::check(L, 1).get().bytes()));
  return 1;
}

/// work:finish() -> { size, seconds, warnings, sha256 or nil, trailing = bool or nil }, of a dump with format and
/// version
int work_finish(lua_State* L) {
  auto& handle = WorkObject::check(L, 1);
  const backup::Outcome outcome = handle.get().finish();
  lua_createtable(L, 0, 7);
  lua::set_field(L, "size", static_cast<double>(outcome.size));
  lua::set_field(L, "seconds", outcome.seconds.count());
  if (!outcome.sha256.empty()) lua::set_field(L, "sha256", outcome.sha256);
  if (outcome.trailing) lua::set_flag(L, "trailing", *outcome.trailing);
  lua::push(L, outcome.warnings);
  lua_setfield(L, -2, "warnings");
  if (handle.dump) {
    lua::set_field(L, "format", handle.dump->file()->directory() ? "directory" : "custom");
    lua::set_field(L, "version", handle.dump->version());
  }
  return 1;
}

/// work:archive(tools or nil) -> archive: of a dump that is done, the very file that was written
int work_archive(lua_State* L) {
  auto& handle = WorkObject::check(L, 1);
  handle.get();
  if (!handle.dump || !handle.dump->file()) throw Error{"usage.argument", "there is no dump yet"};
  const bool given = !lua_isnoneornil(L, 2);
  backup::Archive archive{handle.dump->file(), given ? tools_at(L, 2) : handle.tools};
  ArchiveObject::make(L).archive.emplace(std::move(archive));
  return 1;
}

int work_close(lua_State* L) {
  auto& handle = WorkObject::check(L, 1);
  handle.dump = nullptr;
  handle.work.reset();
  return 0;
}

void set_names(lua_State* L, const char* field, const std::set<std::string>& names) {
  lua::push(L, std::vector<std::string>{names.begin(), names.end()});
  lua_setfield(L, -2, field);
}

/// archive:facts() -> { path, format, size, database, created or nil, server_version, pg_dump_version, compression,
/// entries, owners = {...}, tables = {...} }
int archive_facts(lua_State* L) {
  const backup::Archive& archive = ArchiveObject::check(L, 1).get();
  const backup::Listing& listing = archive.listing();
  lua_createtable(L, 0, 11);
  lua::set_field(L, "path", archive.file().path());
  lua::set_field(L, "format", archive.file().directory() ? "directory" : "custom");
  lua::set_field(L, "size", static_cast<double>(archive.file().size()));
  lua::set_field(L, "database", listing.database);
  if (listing.created) lua::set_field(L, "created", static_cast<double>(*listing.created));
  lua::set_field(L, "server_version", listing.server_version);
  lua::set_field(L, "pg_dump_version", listing.pg_dump_version);
  lua::set_field(L, "compression", listing.compression);
  lua::set_field(L, "entries", listing.entries);
  set_names(L, "owners", listing.owners);
  set_names(L, "tables", listing.tables);
  return 1;
}

/// archive:hash() -> work
int archive_hash(lua_State* L) {
  return push_work(L, ArchiveObject::check(L, 1).get().hash());
}

/// archive:read() -> work
int archive_read(lua_State* L) {
  return push_work(L, ArchiveObject::check(L, 1).get().read());
}

/// archive:restore{ session or connect and insecure, tools, tables, owner = true, privileges = true, jobs } -> work
int archive_restore(lua_State* L) {
  const backup::Archive& archive = ArchiveObject::check(L, 1).get();
  luaL_checktype(L, 2, LUA_TTABLE);
  backup::Tools tools = tools_field(L, 2);
  backup::RestoreOptions options{.tools = tools, .client = client_at(L, 2, tools)};
  options.tables = tables_field(L, 2);
  options.owner = lua::boolean_field(L, 2, "owner", true);
  options.privileges = lua::boolean_field(L, 2, "privileges", true);
  if (auto jobs = count_field(L, 2, "jobs"); jobs > 0) options.jobs = static_cast<int>(jobs);
  return push_work(L, archive.restore(std::move(options)));
}

/// archive:same_file(path) -> whether the path still leads to this file, and nobody wrote to it
int archive_same_file(lua_State* L) {
  lua_pushboolean(L, ArchiveObject::check(L, 1).get().file().same(lua::check_string(L, 2)));
  return 1;
}

int archive_close(lua_State* L) {
  ArchiveObject::check(L, 1).archive.reset();
  return 0;
}

}  // namespace

void open_backup(lua_State* L) {
  static const luaL_Reg work[] = {{"step", lua::guarded<work_step>},     {"bytes", lua::guarded<work_bytes>},
                                  {"finish", lua::guarded<work_finish>}, {"archive", lua::guarded<work_archive>},
                                  {"close", lua::guarded<work_close>},   {nullptr, nullptr}};
  static const luaL_Reg archive[] = {{"facts", lua::guarded<archive_facts>},
                                     {"hash", lua::guarded<archive_hash>},
                                     {"read", lua::guarded<archive_read>},
                                     {"restore", lua::guarded<archive_restore>},
                                     {"same_file", lua::guarded<archive_same_file>},
                                     {"close", lua::guarded<archive_close>},
                                     {nullptr, nullptr}};
  WorkObject::define(L, work);
  ArchiveObject::define(L, archive);
  module(L, "opsh.native.backup",
         {{"tool_version", lua::guarded<tool_version>},
          {"dump", lua::guarded<dump>},
          {"open", lua::guarded<open_archive>}});
}

}  // namespace opsh::bind
