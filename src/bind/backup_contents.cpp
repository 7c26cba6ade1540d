#include "backup/dump_file.hpp"
#include "backup/inventory.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "bind/session.hpp"

namespace opsh::bind {
/// An inventory and the session that it needs; empty after close().
struct InventoryHandle {
  std::shared_ptr<db::Reader> reader;
  std::unique_ptr<backup::Inventory> inventory;

  backup::Inventory& get() {
    if (!inventory) throw Error{"session.closed", "this inventory is over"};
    return *inventory;
  }
};
}  // namespace opsh::bind

namespace opsh::lua {
template <>
const char* Object<bind::InventoryHandle>::name = "opsh.inventory";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using InventoryObject = lua::Object<InventoryHandle>;

void set_value(lua_State* L, const backup::SequenceValue& value) {
  lua::set_field(L, "last_value", value.last_value);
  lua::set_flag(L, "is_called", value.is_called);
}

void push_contents(lua_State* L, const backup::Contents& contents) {
  lua_createtable(L, 0, 6);
  lua::set_list(L, "tables", contents.tables, [&](const backup::TableContent& table) {
    lua_createtable(L, 0, 3);
    lua::set_field(L, "name", table.name);
    lua::set_field(L, "rows", static_cast<double>(table.rows));
    lua::set_field(L, "hash", table.hash);
  });
  lua::set_list(L, "sequences", contents.sequences, [&](const backup::SequenceContent& sequence) {
    lua_createtable(L, 0, 4);
    lua::set_field(L, "name", sequence.name);
    set_value(L, sequence.before);
    if (!sequence.after) return;
    lua_createtable(L, 0, 2);
    set_value(L, *sequence.after);
    lua_setfield(L, -2, "after");
  });
  if (contents.large_objects) {
    lua_createtable(L, 0, 2);
    lua::set_field(L, "count", static_cast<double>(contents.large_objects->count));
    lua::set_field(L, "hash", contents.large_objects->hash);
    lua_setfield(L, -2, "large_objects");
  }
  if (!contents.objects.empty()) {
    lua_createtable(L, 0, static_cast<int>(contents.objects.size()));
    for (const auto& [kind, count] : contents.objects) lua::set_field(L, kind.c_str(), static_cast<double>(count));
    lua_setfield(L, -2, "objects");
  }
  lua::push(L, contents.roles);
  lua_setfield(L, -2, "roles");
  lua::set_list(L, "not_compared", contents.not_compared, [&](const backup::NotCompared& left) {
    lua_createtable(L, 0, 2);
    lua::set_field(L, "name", left.name);
    lua::set_field(L, "why", left.why);
  });
}

/// { tables = {...} or nil, workers = n or nil }
backup::InventoryOptions options_at(lua_State* L, int index) {
  backup::InventoryOptions options;
  if (lua_isnoneornil(L, index)) return options;
  luaL_checktype(L, index, LUA_TTABLE);
  if (auto tables = lua::strings_field(L, index, "tables"); !tables.empty()) options.tables = std::move(tables);
  if (auto workers = lua::number_field(L, index, "workers", -1); workers >= 0)
    options.workers = static_cast<int>(workers);
  return options;
}

/// inventory(reader, { tables, workers }) -> inventory: the tables are locked. `workers`: so many processes of the
/// server's beside the session's own, else as the server has it.
int open_one(lua_State* L) {
  auto& handle = lua::Object<ReaderHandle>::check(L, 1);
  auto inventory = std::make_unique<backup::Inventory>(handle.get(), options_at(L, 2));
  InventoryObject::make(L, handle.reader, std::move(inventory));
  return 1;
}

/// contents(reader, { tables = {...} or nil }) -> { tables = { { name, rows, hash } }, sequences = { { name,
/// last_value, is_called, after = { last_value, is_called } when it moved meanwhile } }, large_objects = { count, hash
/// }, objects = { kind = n }, roles, not_compared = { { name, why } } }; of some tables: no large_objects, no objects.
int contents(lua_State* L) {
  backup::Inventory inventory{lua::Object<ReaderHandle>::check(L, 1).get(), options_at(L, 2)};
  push_contents(L, inventory.finish());
  return 1;
}

/// inventory:chosen() -> all tables, partitioned ones too, as SQL writes their names
int chosen(lua_State* L) {
  lua::push(L, InventoryObject::check(L, 1).get().chosen());
  return 1;
}

/// inventory:roles() -> those that a dump of it names
int roles(lua_State* L) {
  lua::push(L, InventoryObject::check(L, 1).get().roles());
  return 1;
}

/// inventory:count() -> how many tables there are to step through
int count(lua_State* L) {
  lua_pushnumber(L, static_cast<double>(InventoryObject::check(L, 1).get().tables()));
  return 1;
}

/// inventory:next() -> the table that the next step looks at, or nothing
int next(lua_State* L) {
  std::string name = InventoryObject::check(L, 1).get().next();
  if (name.empty()) return 0;
  lua::push(L, name);
  return 1;
}

int step(lua_State* L) {
  InventoryObject::check(L, 1).get().step();
  return 0;
}

/// inventory:finish() -> what contents gives
int finish(lua_State* L) {
  auto& handle = InventoryObject::check(L, 1);
  push_contents(L, handle.get().finish());
  handle.inventory.reset();
  handle.reader.reset();
  return 1;
}

/// look(path) -> { size, format }: of what can be a dump; nothing is read of it but its first bytes.
int look(lua_State* L) {
  auto dump = backup::DumpFile::open(lua::check_string(L, 1));
  lua_createtable(L, 0, 2);
  lua::set_field(L, "size", static_cast<double>(dump->size()));
  lua::set_field(L, "format", dump->directory() ? "directory" : "custom");
  return 1;
}

int close(lua_State* L) {
  auto& handle = InventoryObject::check(L, 1);
  handle.inventory.reset();
  handle.reader.reset();
  return 0;
}

}  // namespace

void open_backup_contents(lua_State* L) {
  static const luaL_Reg inventory[] = {{"chosen", lua::guarded<chosen>}, {"roles", lua::guarded<roles>},
                                       {"count", lua::guarded<count>},   {"next", lua::guarded<next>},
                                       {"step", lua::guarded<step>},     {"finish", lua::guarded<finish>},
                                       {"close", lua::guarded<close>},   {nullptr, nullptr}};
  InventoryObject::define(L, inventory);
  module(L, "opsh.native.backup",
         {{"inventory", lua::guarded<open_one>}, {"contents", lua::guarded<contents>}, {"look", lua::guarded<look>}});
}

}  // namespace opsh::bind
