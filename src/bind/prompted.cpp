#include "bind/module.hpp"
#include "bind/session.hpp"
#include "bind/waiting.hpp"
#include "db/glance.hpp"

namespace opsh::bind {
namespace {

using BatchObject = lua::Object<BatchHandle>;

db::Connection& connection_of(journal::Work& batch) {
  return batch.writer().connection();
}

void set_value(lua_State* L, const char* name, const std::optional<std::string>& value) {
  if (value)
    lua::push(L, std::string_view{*value});
  else
    lua::push_null(L);
  lua_setfield(L, -2, name);
}

void push_key(lua_State* L, const std::vector<std::pair<std::string, std::string>>& key) {
  lua_createtable(L, 0, static_cast<int>(key.size()));
  for (const auto& [name, value] : key) lua::set_field(L, name.c_str(), value);
}

/// { table, operation, direct, key = { { column, value } ... }, cells = { { column, before, after } ... } }, NULL as
/// opsh.null and what is not there as well.
void push_change(lua_State* L, const journal::RowChange& change) {
  lua_createtable(L, 0, 5);
  lua::set_field(L, "table", change.table);
  lua::set_field(L, "operation", change.operation);
  lua::set_flag(L, "direct", change.direct);
  lua_createtable(L, static_cast<int>(change.key.size()), 0);
  for (std::size_t at = 0; at < change.key.size(); ++at) {
    lua_createtable(L, 0, 2);
    lua::set_field(L, "column", change.key[at].first);
    lua::set_field(L, "value", change.key[at].second);
    lua_rawseti(L, -2, static_cast<int>(at + 1));
  }
  lua_setfield(L, -2, "key");
  lua_createtable(L, static_cast<int>(change.cells.size()), 0);
  for (std::size_t at = 0; at < change.cells.size(); ++at) {
    lua_createtable(L, 0, 3);
    lua::set_field(L, "column", change.cells[at].column);
    set_value(L, "before", change.cells[at].before);
    set_value(L, "after", change.cells[at].after);
    lua_rawseti(L, -2, static_cast<int>(at + 1));
  }
  lua_setfield(L, -2, "cells");
}

void set_changes(lua_State* L, const journal::StatementChanges& changes) {
  lua_createtable(L, static_cast<int>(changes.rows.size()), 0);
  for (std::size_t at = 0; at < changes.rows.size(); ++at) {
    push_change(L, changes.rows[at]);
    lua_rawseti(L, -2, static_cast<int>(at + 1));
  }
  lua_setfield(L, -2, "changes");
  lua_createtable(L, static_cast<int>(changes.keys.size()), 0);
  for (std::size_t at = 0; at < changes.keys.size(); ++at) {
    push_key(L, changes.keys[at]);
    lua_rawseti(L, -2, static_cast<int>(at + 1));
  }
  lua_setfield(L, -2, "keys");
  lua_createtable(L, 0, static_cast<int>(changes.indirect.size()));
  for (const auto& [table, rows] : changes.indirect) lua::set_field(L, table.c_str(), static_cast<double>(rows));
  lua_setfield(L, -2, "indirect");
}

}  // namespace

/// batch:operation(sql, bindings) -> { kind, table, columns = those that it sets }: what the gate says that a statement
/// does; `table` as SQL. Errors: "sql.refused", "sql.syntax".
int batch_operation(lua_State* L) {
  Bound bound = bind_statement(L, 2, 3, connection_of(BatchObject::check(L, 1).get()));
  const sql::Operation operation = *sql::gate_write(bound.rendered).operation();
  lua_createtable(L, 0, 3);
  lua::set_field(L, "kind", word_of(operation.kind));
  if (operation.kind == sql::StatementKind::select) return 1;
  lua::set_field(L, "table", sql::QualifiedName{operation.schema, operation.name}.text());
  lua::push(L, operation.assigned);
  lua_setfield(L, -2, "columns");
  return 1;
}

/// batch:declare(writes): more tables, with those of before; as ledger:begin takes them.
int batch_declare(lua_State* L) {
  BatchObject::check(L, 1).get().declare(writes_at(L, 2));
  return 0;
}

/// batch:write(sql, bindings, most) -> { affected, rows, changes = { at most so many }, keys = { by column }, indirect
/// = { rows by table } }: runs a statement that writes, and tells what it did. `rows` when it says RETURNING.
int batch_write(lua_State* L) {
  journal::Work& batch = BatchObject::check(L, 1).get();
  const auto most = static_cast<std::size_t>(luaL_checkinteger(L, 4));
  Bound bound = bind_statement(L, 2, 3, connection_of(batch));
  auto answer = batch.execute(sql::gate_write(bound.rendered), bound.parameters);
  auto changes = batch.last_statement(most);
  lua_createtable(L, 0, 5);
  lua::set_field(L, "affected", static_cast<double>(answer.result->affected()));
  set_changes(L, changes);
  if (answer.columns > 0) {
    push_rows(L, connection_of(batch), *answer.result, answer.columns, Duplicates::number);
    lua_setfield(L, -2, "rows");
  }
  return 1;
}

/// batch:beginning(sql, bindings): as that of a read session.
int batch_beginning(lua_State* L) {
  journal::Work& batch = BatchObject::check(L, 1).get();
  Bound bound = bind_statement(L, 2, 3, connection_of(batch));
  push_glance(L, connection_of(batch), db::glance(batch.writer(), bound.rendered, bound.parameters));
  return 3;
}

/// batch:wake(): nobody asks anything, and it is not idle
int batch_wake(lua_State* L) {
  BatchObject::check(L, 1).get().wake();
  return 0;
}

/// batch:descriptor() and batch:stir(): as those of a read session.
int batch_descriptor(lua_State* L) {
  lua_pushnumber(L, connection_of(BatchObject::check(L, 1).get()).descriptor());
  return 1;
}

int batch_stir(lua_State* L) {
  connection_of(BatchObject::check(L, 1).get()).stir();
  return 0;
}

int batch_show_waiting(lua_State* L) {
  show_waiting(connection_of(BatchObject::check(L, 1).get()), target_at(L, 2));
  return 0;
}

}  // namespace opsh::bind
