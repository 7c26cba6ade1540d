#include "bind/module.hpp"
#include "bind/session.hpp"
#include "journal/definitions.hpp"
#include "text/printable.hpp"

namespace opsh::lua {
template <>
const char* Object<bind::BatchHandle>::name = "opsh.batch";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using BatchObject = lua::Object<BatchHandle>;

db::Connection& connection_of(journal::Work& batch) {
  return batch.writer().connection();
}

/// The batch of a statement. A script may have kept its `tx`, and the next batch works on the same session.
journal::Work& working(lua_State* L) {
  journal::Work& batch = BatchObject::check(L, 1).get();
  if (!batch.open()) throw Error{"batch.over", "this batch is over", "use the tx that apply is called with"};
  return batch;
}

journal::Answer execute_at(lua_State* L, journal::Work& batch) {
  Bound bound = bind_statement(L, 2, 3, connection_of(batch));
  return batch.execute(sql::gate_write(bound.rendered), bound.parameters);
}

int batch_query(lua_State* L) {
  journal::Work& batch = working(L);
  auto answer = execute_at(L, batch);
  push_rows(L, connection_of(batch), *answer.result, answer.columns);
  return 1;
}

/// batch:define(sql): defines or changes objects, in a schema step.
int batch_define(lua_State* L) {
  working(L).define(sql::gate_define(definition_at(L, 2)));
  return 0;
}

/// batch:read(sql, bindings): as query, and only what reads.
int batch_read(lua_State* L) {
  journal::Work& batch = working(L);
  Bound bound = bind_statement(L, 2, 3, connection_of(batch));
  push_rows(L, connection_of(batch), batch.writer().query(sql::gate_read(bound.rendered), bound.parameters),
            duplicates_at(L));
  return 1;
}

int batch_sample(lua_State* L) {
  return push_sample(L, connection_of(working(L)));
}

int batch_exec(lua_State* L) {
  journal::Work& batch = working(L);
  lua_pushnumber(L, static_cast<double>(execute_at(L, batch).result->affected()));
  return 1;
}

/// batch:copy_in(table, { columns }, next): `next()` gives a row as a list of values, or nothing at the end.
int batch_copy_in(lua_State* L) {
  journal::Work& batch = working(L);
  std::vector<sql::Identifier> columns;
  for (const auto& name : lua::strings(L, 3)) columns.emplace_back(name);
  std::size_t width = columns.size();
  auto rows = batch.rows_in(sql::parse_qualified_name(lua::check_string(L, 2)), std::move(columns));
  for (;;) {
    lua_pushvalue(L, 4);
    {
      lua::InLua there;
      lua_call(L, 0, 1);
    }
    if (lua_isnil(L, -1)) break;
    std::vector<std::optional<std::string>> texts;
    for (std::size_t at = 1; at <= width; ++at) {
      lua_rawgeti(L, -1, static_cast<int>(at));
      texts.push_back(field_text(L, lua_gettop(L), connection_of(batch), 0));
      lua_pop(L, 1);
    }
    std::vector<std::optional<std::string_view>> fields{texts.begin(), texts.end()};
    rows->row(fields);
    lua_pop(L, 1);
  }
  lua_pushnumber(L, static_cast<double>(rows->finish()));
  return 1;
}

int batch_cursor(lua_State* L) {
  journal::Work& batch = working(L);
  Bound bound = bind_statement(L, 2, 3, connection_of(batch));
  auto cursor = batch.writer().open(sql::gate_read(bound.rendered), bound.parameters);
  lua::Object<CursorHandle>::make(L, BatchObject::check(L, 1).session, &connection_of(batch), std::move(cursor),
                                  duplicates_at(L));
  return 1;
}

/// batch:recheck(sql, bindings, items) -> the numbers of the items that still qualify.
int batch_recheck(lua_State* L) {
  journal::Work& batch = BatchObject::check(L, 1).get();
  auto& items = lua::Object<plan::Items>::check(L, 4);
  Bound bound = bind_statement(L, 2, 3, connection_of(batch));
  auto rows = batch.recheck(sql::gate_write(bound.rendered), bound.parameters, items);
  lua_createtable(L, static_cast<int>(rows.size()), 0);
  for (std::size_t at = 0; at < rows.size(); ++at) {
    lua_pushnumber(L, static_cast<double>(rows[at] + 1));
    lua_rawseti(L, -2, static_cast<int>(at + 1));
  }
  return 1;
}

int batch_savepoint(lua_State* L) {
  working(L).savepoint();
  return 0;
}

int batch_release(lua_State* L) {
  BatchObject::check(L, 1).get().release_savepoint();
  return 0;
}

int batch_rollback_to(lua_State* L) {
  BatchObject::check(L, 1).get().rollback_to_savepoint();
  return 0;
}

/// batch:watch(table, sql, bindings): which of its rows cascades and triggers may change.
int batch_watch(lua_State* L) {
  journal::Work& batch = working(L);
  Bound bound = bind_statement(L, 3, 4, connection_of(batch));
  batch.watch(sql::parse_qualified_name(lua::check_string(L, 2)), sql::gate_read(bound.rendered), bound.parameters);
  return 0;
}

int batch_check_deferred(lua_State* L) {
  BatchObject::check(L, 1).get().check_deferred();
  return 0;
}

int batch_begin_checks(lua_State* L) {
  BatchObject::check(L, 1).get().begin_checks();
  return 0;
}

int batch_end_checks(lua_State* L) {
  BatchObject::check(L, 1).get().end_checks();
  return 0;
}

std::vector<journal::LeftOut> left_out_at(lua_State* L, int index) {
  std::vector<journal::LeftOut> left_out;
  lua_getfield(L, index, "left_out");
  for (int at = 1; at <= static_cast<int>(lua_objlen(L, -1)); ++at) {
    lua_rawgeti(L, -1, at);
    int item = lua_gettop(L);
    left_out.push_back({lua::strings_field(L, item, "key"), lua::string_field(L, item, "outcome"),
                        lua::string_field(L, item, "sqlstate"),
                        text::printable(lua::string_field(L, item, "message"))});
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return left_out;
}

journal::Place place_at(lua_State* L, int index) {
  journal::Place place;
  place.step = static_cast<int>(lua::number_field(L, index, "step", 0));
  place.number = static_cast<int>(lua::number_field(L, index, "number", 0));
  place.position = static_cast<std::uint64_t>(lua::number_field(L, index, "position", 0));
  place.first_key = lua::strings_field(L, index, "first_key");
  place.last_key = lua::strings_field(L, index, "last_key");
  return place;
}

/// batch:record{ step, number, position, first_key, last_key, items, left_out, figures }: the ledger's row.
int batch_record(lua_State* L) {
  journal::Work& batch = BatchObject::check(L, 1).get();
  batch.record(place_at(L, 2), static_cast<std::size_t>(lua::number_field(L, 2, "items", 0)), left_out_at(L, 2),
               lua::string_field(L, 2, "figures"));
  return 0;
}

/// batch:keep({ step, number }, items): for the undo of a schema step, after record. Nothing of a simulated one.
int batch_keep(lua_State* L) {
  auto& handle = BatchObject::check(L, 1);
  if (handle.batch) handle.recorded().keep(place_at(L, 2), lua::Object<plan::Items>::check(L, 3));
  return 0;
}

/// batch:kept{ run, step, number } -> the items that were kept there.
int batch_kept(lua_State* L) {
  journal::BatchId id{lua::string_field(L, 2, "run"), static_cast<int>(lua::number_field(L, 2, "step", 0)),
                      static_cast<int>(lua::number_field(L, 2, "number", 0))};
  lua::Object<plan::Items>::make(L, journal::kept_items(working(L).writer(), id));
  return 1;
}

/// batch:finish() -> "committed", "rolled_back", "in_doubt" or, of a simulated one, "kept"; then the ledger's token.
int batch_finish(lua_State* L) {
  auto& handle = BatchObject::check(L, 1);
  switch (handle.get().finish()) {
    case journal::Outcome::committed:
      lua_pushliteral(L, "committed");
      break;
    case journal::Outcome::rolled_back:
      lua_pushliteral(L, "rolled_back");
      break;
    case journal::Outcome::in_doubt:
      lua_pushliteral(L, "in_doubt");
      break;
    case journal::Outcome::kept:
      lua_pushliteral(L, "kept");
      return 1;
  }
  lua::push(L, std::string_view{handle.recorded().token()});
  return 2;
}

/// batch:changed_rows(): how many rows it has changed; once it is recorded, as the journal counts them.
int batch_changed_rows(lua_State* L) {
  lua_pushnumber(L, static_cast<double>(BatchObject::check(L, 1).get().changed_rows()));
  return 1;
}

int batch_rollback(lua_State* L) {
  if (auto& work = BatchObject::check(L, 1).work) work->rollback();
  return 0;
}

int batch_copy_out(lua_State* L) {
  return copy_rows_out(L, connection_of(working(L)));
}

}  // namespace

journal::Work& BatchHandle::get() const {
  if (!work) throw Error{"batch.over", "this batch is over"};
  return *work;
}

journal::Batch& BatchHandle::recorded() const {
  if (!batch) throw Error{"internal", "a simulated batch has no row in the ledger"};
  return *batch;
}

void open_batch(lua_State* L) {
  static const luaL_Reg batch[] = {{"query", lua::guarded<batch_query>},
                                   {"read", lua::guarded<batch_read>},
                                   {"sample", lua::guarded<batch_sample>},
                                   {"exec", lua::guarded<batch_exec>},
                                   {"define", lua::guarded<batch_define>},
                                   {"copy_in", lua::guarded<batch_copy_in>},
                                   {"copy_out", lua::guarded<batch_copy_out>},
                                   {"cursor", lua::guarded<batch_cursor>},
                                   {"recheck", lua::guarded<batch_recheck>},
                                   {"watch", lua::guarded<batch_watch>},
                                   {"savepoint", lua::guarded<batch_savepoint>},
                                   {"release_savepoint", lua::guarded<batch_release>},
                                   {"rollback_to_savepoint", lua::guarded<batch_rollback_to>},
                                   {"check_deferred", lua::guarded<batch_check_deferred>},
                                   {"begin_checks", lua::guarded<batch_begin_checks>},
                                   {"end_checks", lua::guarded<batch_end_checks>},
                                   {"record", lua::guarded<batch_record>},
                                   {"changed_rows", lua::guarded<batch_changed_rows>},
                                   {"keep", lua::guarded<batch_keep>},
                                   {"kept", lua::guarded<batch_kept>},
                                   {"finish", lua::guarded<batch_finish>},
                                   {"rollback", lua::guarded<batch_rollback>},
                                   {"operation", lua::guarded<batch_operation>},
                                   {"declare", lua::guarded<batch_declare>},
                                   {"write", lua::guarded<batch_write>},
                                   {"beginning", lua::guarded<batch_beginning>},
                                   {"wake", lua::guarded<batch_wake>},
                                   {"descriptor", lua::guarded<batch_descriptor>},
                                   {"stir", lua::guarded<batch_stir>},
                                   {"show_waiting", lua::guarded<batch_show_waiting>},
                                   {nullptr, nullptr}};
  BatchObject::define(L, batch);
}

}  // namespace opsh::bind
