#include <fmt/format.h>

#include "bind/module.hpp"
#include "bind/session.hpp"
#include "bind/waiting.hpp"
#include "db/copy.hpp"
#include "db/glance.hpp"
#include "log/log.hpp"
#include "text/printable.hpp"

namespace opsh::lua {
template <>
const char* Object<bind::ReaderHandle>::name = "opsh.reader";
template <>
const char* Object<bind::CursorHandle>::name = "opsh.cursor";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using ReaderObject = lua::Object<ReaderHandle>;
using CursorObject = lua::Object<CursorHandle>;

int make_reader(lua_State* L, const db::Target& target, db::Reader::Begins begins = db::Reader::Begins::at_once) {
  auto reader = std::make_shared<db::Reader>(target, begins);
  show_notices(reader->channel());
  ReaderObject::make(L, std::move(reader));
  return 1;
}

/// reader(target): for statements of an author's.
int open_reader(lua_State* L) {
  return make_reader(L, target_at(L, 1));
}

/// resting_reader(target): the same, and its first transaction begins with its first statement.
int open_resting_reader(lua_State* L) {
  return make_reader(L, target_at(L, 1), db::Reader::Begins::at_first_use);
}

/// host_reader(target): for the host's own, which the catalog need not judge.
int open_host_reader(lua_State* L) {
  db::Target target = target_at(L, 1);
  target.judged = false;
  return make_reader(L, target);
}

/// rows_by(function): what makes the metatable of rows, from their columns and types.
int rows_by(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_pushvalue(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, row_metatable_maker);
  return 0;
}

int describe_target(lua_State* L) {
  lua::push(L, db::describe(target_at(L, 1)));
  return 1;
}

int read(lua_State* L) {
  db::Reader& reader = ReaderObject::check(L, 1).get();
  Bound bound = bind_statement(L, 2, 3, reader.connection());
  push_rows(L, reader.connection(), reader.query(sql::gate_read(bound.rendered), bound.parameters), duplicates_at(L));
  return 1;
}

int read_sample(lua_State* L) {
  return push_sample(L, ReaderObject::check(L, 1).get().connection());
}

int open_cursor(lua_State* L) {
  auto& handle = ReaderObject::check(L, 1);
  db::Reader& reader = handle.get();
  Bound bound = bind_statement(L, 2, 3, reader.connection());
  auto cursor = reader.open(sql::gate_read(bound.rendered), bound.parameters);
  CursorObject::make(L, handle.reader, &reader.connection(), std::move(cursor), duplicates_at(L));
  return 1;
}

int describe(lua_State* L) {
  db::Reader& reader = ReaderObject::check(L, 1).get();
  Bound bound = bind_statement(L, 2, 3, reader.connection());
  auto columns = reader.describe(sql::gate_read(bound.rendered), bound.parameters);
  lua_createtable(L, static_cast<int>(columns.size()), 0);
  for (std::size_t at = 0; at < columns.size(); ++at) {
    lua_createtable(L, 0, 2);
    lua::set_field(L, "name", columns[at].name);
    lua::set_field(L, "type", reader.connection().type(columns[at].type).name);
    lua_rawseti(L, -2, static_cast<int>(at + 1));
  }
  return 1;
}

/// preview(sql, bindings): raises when the server would not take the statement in a batch; it is not run
int preview(lua_State* L) {
  db::Reader& reader = ReaderObject::check(L, 1).get();
  Bound bound = bind_statement(L, 2, 3, reader.connection());
  reader.preview(sql::gate_write(bound.rendered), bound.parameters);
  return 0;
}

int copy_out(lua_State* L) {
  return copy_rows_out(L, ReaderObject::check(L, 1).get().connection());
}

/// beginning(sql, bindings) -> at most 1000 rows, the number of all, and the long values, which the rows have not: a
/// list of { row, column, bytes, beginning }
int read_beginning(lua_State* L) {
  db::Reader& reader = ReaderObject::check(L, 1).get();
  Bound bound = bind_statement(L, 2, 3, reader.connection());
  return push_glance(L, reader.connection(), db::glance(reader, bound.rendered, bound.parameters));
}

int rest(lua_State* L) {
  ReaderObject::check(L, 1).get().rest();
  return 0;
}

/// descriptor() -> for what waits: readable when the server says something on its own
int descriptor(lua_State* L) {
  lua_pushnumber(L, ReaderObject::check(L, 1).get().descriptor());
  return 1;
}

/// show_waiting(target): from now on a long statement says so on the terminal
int show_waiting_at_prompt(lua_State* L) {
  show_waiting(ReaderObject::check(L, 1).get().channel(), target_at(L, 2));
  return 0;
}

/// stir(): takes what it said; raises when the session is over
int stir(lua_State* L) {
  ReaderObject::check(L, 1).get().stir();
  return 0;
}

/// login() -> the database and the user, as the server names them
int login(lua_State* L) {
  const db::Connection& connection = ReaderObject::check(L, 1).get().channel();
  lua::push(L, std::string_view{connection.database()});
  lua::push(L, std::string_view{connection.user()});
  return 2;
}

int refresh(lua_State* L) {
  ReaderObject::check(L, 1).get().refresh();
  return 0;
}

/// evidence() -> { transactions, transaction_id, changed_rows, read_only }: of those that have ended.
int push_evidence(lua_State* L) {
  const db::Evidence& evidence = ReaderObject::check(L, 1).get().evidence();
  lua_createtable(L, 0, 4);
  lua::set_field(L, "transactions", static_cast<double>(evidence.transactions));
  lua::set_flag(L, "transaction_id", evidence.transaction_id);
  lua::set_field(L, "changed_rows", static_cast<double>(evidence.changed_rows));
  lua::set_flag(L, "read_only", evidence.read_only);
  return 1;
}

/// limit_statements(seconds): those that take longer fail, up to the end of the transaction or of the savepoint
int limit_statements(lua_State* L) {
  ReaderObject::check(L, 1).get().limit_statements(Seconds{luaL_checknumber(L, 2)});
  return 0;
}

int savepoint(lua_State* L) {
  ReaderObject::check(L, 1).get().savepoint();
  return 0;
}

int rollback_to_savepoint(lua_State* L) {
  ReaderObject::check(L, 1).get().rollback_to_savepoint();
  return 0;
}

int close_reader(lua_State* L) {
  auto& reader = ReaderObject::check(L, 1).reader;
  // Cursors and plans may still share it.
  if (reader) reader->close();
  reader.reset();
  return 0;
}

/// cursor:next(also a block without rows, for its columns) -> rows, nothing at the end
int next_block(lua_State* L) {
  auto& handle = CursorObject::check(L, 1);
  const bool also_empty = lua_toboolean(L, 2);
  if (!handle.cursor) return 0;
  db::Result block = handle.cursor->next();
  if (!block || block.rows() == 0) {
    handle.cursor.reset();
    if (!block || !also_empty) return 0;
  }
  push_rows(L, *handle.connection, block, handle.duplicates);
  return 1;
}

int close_cursor(lua_State* L) {
  CursorObject::check(L, 1).cursor.reset();
  return 0;
}

}  // namespace

db::Reader& ReaderHandle::get() const {
  if (!reader) throw Error{"session.closed", "this read session is closed"};
  return *reader;
}

db::Target target_at(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  db::Target target;
  target.conninfo = lua::string_field(L, index, "conninfo");
  target.database = lua::string_field(L, index, "dbname");
  target.application = lua::string_field(L, index, "application", target.application);
  target.role = lua::string_field(L, index, "role");
  target.insecure = lua::string_field(L, index, "insecure");
  for (auto& name : lua::strings_field(L, index, "functions")) target.declared.functions.insert(std::move(name));
  for (auto& name : lua::strings_field(L, index, "foreign_tables"))
    target.declared.foreign_tables.insert(std::move(name));
  target.time_zone = lua::string_field(L, index, "time_zone", target.time_zone);
  auto seconds = [&](const char* name, Seconds fallback) {
    return Seconds{lua::number_field(L, index, name, fallback.count())};
  };
  target.connect_within = seconds("connect_seconds", target.connect_within);
  target.statement_within = seconds("statement_seconds", target.statement_within);
  target.raw_text = lua::boolean_field(L, index, "raw_text");
  target.lock_within = seconds("lock_seconds", target.lock_within);
  if (double idle = lua::number_field(L, index, "idle_seconds", 0); idle > 0) target.idle_within = Seconds{idle};
  return target;
}

Duplicates duplicates_at(lua_State* L) {
  const bool numbered = lua_istable(L, 3) && lua::boolean_field(L, 3, "numbered");
  return numbered ? Duplicates::number : Duplicates::refuse;
}

int push_glance(lua_State* L, db::Connection& connection, const db::Glance& found) {
  push_rows(L, connection, found.sample.rows, found.columns, duplicates_at(L));
  lua_pushnumber(L, static_cast<double>(found.sample.total));
  lua_createtable(L, static_cast<int>(found.long_values.size()), 0);
  for (std::size_t at = 0; at < found.long_values.size(); ++at) {
    const db::LongValue& value = found.long_values[at];
    lua_createtable(L, 0, 4);
    lua::set_field(L, "row", value.row + 1);
    lua::set_field(L, "column", value.column + 1);
    lua::set_field(L, "bytes", static_cast<double>(value.bytes));
    lua::set_field(L, "beginning", value.beginning);
    lua_rawseti(L, -2, static_cast<int>(at + 1));
  }
  return 3;
}

int push_sample(lua_State* L, db::Connection& connection) {
  Bound bound = bind_statement(L, 2, 3, connection);
  auto limit = static_cast<int>(luaL_checkinteger(L, 4));
  db::Sample found = db::sample(connection, sql::gate_read(bound.rendered), bound.parameters, limit);
  push_rows(L, connection, found.rows);
  lua_pushnumber(L, static_cast<double>(found.total));
  return 2;
}

int copy_rows_out(lua_State* L, db::Connection& connection) {
  Bound bound = bind_statement(L, 2, lua_gettop(L) + 1, connection);
  if (!bound.parameters.values().empty())
    throw Error{"sql.parameter", "COPY takes no parameters", "use rows, or write the value into the query"};
  db::CopyOut copy{connection, sql::gate_read(bound.rendered)};
  std::vector<std::optional<std::string>> fields;
  std::size_t rows = 0;
  for (; copy.next(fields); ++rows) {
    lua_pushvalue(L, 3);
    lua_createtable(L, static_cast<int>(fields.size()), 0);
    for (std::size_t at = 0; at < fields.size(); ++at) {
      if (fields[at])
        lua::push(L, std::string_view{*fields[at]});
      else
        lua::push_null(L);
      lua_rawseti(L, -2, static_cast<int>(at + 1));
    }
    lua::InLua there;
    lua_call(L, 1, 0);
  }
  lua_pushnumber(L, static_cast<double>(rows));
  return 1;
}

void show_notices(db::Connection& connection) {
  connection.on_notice([](const db::Notice& notice) {
    log::info(fmt::format("{}: {}", text::printable(notice.severity), text::printable(notice.message)));
  });
}

void open_db(lua_State* L) {
  static const luaL_Reg reader[] = {{"read", lua::guarded<read>},
                                    {"sample", lua::guarded<read_sample>},
                                    {"cursor", lua::guarded<open_cursor>},
                                    {"describe", lua::guarded<describe>},
                                    {"preview", lua::guarded<preview>},
                                    {"copy_out", lua::guarded<copy_out>},
                                    {"refresh", lua::guarded<refresh>},
                                    {"limit_statements", lua::guarded<limit_statements>},
                                    {"savepoint", lua::guarded<savepoint>},
                                    {"rollback_to_savepoint", lua::guarded<rollback_to_savepoint>},
                                    {"close", lua::guarded<close_reader>},
                                    {"beginning", lua::guarded<read_beginning>},
                                    {"rest", lua::guarded<rest>},
                                    {"descriptor", lua::guarded<descriptor>},
                                    {"stir", lua::guarded<stir>},
                                    {"login", lua::guarded<login>},
                                    {"show_waiting", lua::guarded<show_waiting_at_prompt>},
                                    {"evidence", lua::guarded<push_evidence>},
                                    {nullptr, nullptr}};
  static const luaL_Reg cursor[] = {
      {"next", lua::guarded<next_block>}, {"close", lua::guarded<close_cursor>}, {nullptr, nullptr}};
  ReaderObject::define(L, reader);
  CursorObject::define(L, cursor);
  module(L, "opsh.native.db",
         {{"reader", lua::guarded<open_reader>},
          {"resting_reader", lua::guarded<open_resting_reader>},
          {"host_reader", lua::guarded<open_host_reader>},
          {"describe", lua::guarded<describe_target>},
          {"rows_by", lua::guarded<rows_by>}});
}

}  // namespace opsh::bind
