#include "bind/module.hpp"
#include "bind/session.hpp"

namespace opsh::lua {
template <>
const char* Object<bind::TablesHandle>::name = "opsh.tables";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using TablesObject = lua::Object<TablesHandle>;

const journal::Tables& tables_at(lua_State* L, int index) {
  return *TablesObject::check(L, index).tables;
}

/// tables:names() -> the declared tables in their order, with their schemas.
int table_names(lua_State* L) {
  std::vector<std::string> names;
  for (const auto& table : tables_at(L, 1).declared) names.push_back(table.name.text());
  lua::push(L, names);
  return 1;
}

/// tables:oids() -> those of the declared tables, as texts.
int table_oids(lua_State* L) {
  std::vector<std::string> oids;
  for (const auto& table : tables_at(L, 1).declared) oids.push_back(std::to_string(table.oid));
  lua::push(L, oids);
  return 1;
}

/// tables:equals(other): whether nothing that the journal builds on has changed between the two.
int tables_equal(lua_State* L) {
  lua_pushboolean(L, tables_at(L, 1).fingerprint == tables_at(L, 2).fingerprint);
  return 1;
}

}  // namespace

std::vector<journal::DeclaredName> declared_names_at(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  std::vector<journal::DeclaredName> names;
  for (int at = 1; at <= static_cast<int>(lua_objlen(L, index)); ++at) {
    lua_rawgeti(L, index, at);
    int entry = lua_gettop(L);
    luaL_checktype(L, entry, LUA_TTABLE);
    names.push_back({lua::string_field(L, entry, "name"), lua::boolean_field(L, entry, "row_security")});
    lua_pop(L, 1);
  }
  return names;
}

journal::Work::Writes writes_at(lua_State* L, int index) {
  journal::Work::Writes writes;
  lua_getfield(L, index, "tables");
  if (!lua_isnil(L, -1)) writes.tables = TablesObject::check(L, lua_gettop(L)).tables;
  lua_pop(L, 1);
  for (const auto& oid : lua::strings_field(L, index, "oids"))
    writes.oids.push_back(static_cast<unsigned>(std::stoul(oid)));
  writes.atomic = lua::boolean_field(L, index, "atomic");
  lua_getfield(L, index, "columns");
  int list = lua_gettop(L);
  for (int at = 1; lua_istable(L, list) && at <= static_cast<int>(lua_objlen(L, list)); ++at) {
    lua_rawgeti(L, list, at);
    int entry = lua_gettop(L);
    auto oid = static_cast<unsigned>(std::stoul(lua::string_field(L, entry, "oid")));
    writes.columns[oid] = lua::strings_field(L, entry, "columns");
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  writes.defines = defines_at(L, index);
  return writes;
}

std::optional<journal::Defines> defines_at(lua_State* L, int index) {
  std::optional<journal::Defines> defines;
  lua_getfield(L, index, "defines");
  if (int field = lua_gettop(L); lua_istable(L, field))
    defines = journal::Defines{lua::strings_field(L, field, "tables"), lua::boolean_field(L, field, "loses_data"),
                               lua::boolean_field(L, field, "proved")};
  lua_pop(L, 1);
  return defines;
}

void push_tables(lua_State* L, journal::Tables tables) {
  TablesObject::make(L, std::make_shared<const journal::Tables>(std::move(tables)));
}

int examine(lua_State* L) {
  auto names = declared_names_at(L, 2);
  if (auto* batch = lua::Object<BatchHandle>::test(L, 1))
    push_tables(L, journal::examine_tables(batch->get().writer(), names));
  else
    push_tables(L, journal::examine_tables(lua::Object<ReaderHandle>::check(L, 1).get(), names));
  return 1;
}

void open_tables(lua_State* L) {
  static const luaL_Reg tables[] = {{"names", lua::guarded<table_names>},
                                    {"oids", lua::guarded<table_oids>},
                                    {"equals", lua::guarded<tables_equal>},
                                    {nullptr, nullptr}};
  TablesObject::define(L, tables);
}

}  // namespace opsh::bind
