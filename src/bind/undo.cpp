#include "journal/undo.hpp"

#include "bind/module.hpp"
#include "bind/session.hpp"
#include "journal/undo_plan.hpp"

namespace opsh::bind {
namespace {

/// A planner and the session that it reads from.
struct PlannerHandle {
  std::shared_ptr<db::Reader> reader;
  std::unique_ptr<journal::UndoPlanner> planner;
};

}  // namespace
}  // namespace opsh::bind

namespace opsh::lua {
template <>
const char* Object<journal::Undone>::name = "opsh.undone";
template <>
const char* Object<bind::PlannerHandle>::name = "opsh.undo_planner";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using UndoneObject = lua::Object<journal::Undone>;
using PlannerObject = lua::Object<PlannerHandle>;

journal::BatchId batch_id_at(lua_State* L, int index) {
  return {lua::string_field(L, index, "run"), static_cast<int>(lua::number_field(L, index, "step", 0)),
          static_cast<int>(lua::number_field(L, index, "number", 0))};
}

/// restore(batch, { run, step, number }, undo) -> undone: takes that batch back inside `batch` of the run `undo`.
int restore(lua_State* L) {
  auto& batch = lua::Object<BatchHandle>::check(L, 1);
  UndoneObject::make(L, journal::undo_batch(batch.recorded(), batch_id_at(L, 2), lua::check_string(L, 3)));
  return 1;
}

/// undone:figures() -> { inserts, updates, deletes, left, unrestored = { { table, column, rows } } }
int undone_figures(lua_State* L) {
  const auto& undone = UndoneObject::check(L, 1);
  lua_createtable(L, 0, 5);
  lua::set_field(L, "inserts", static_cast<double>(undone.inserts));
  lua::set_field(L, "updates", static_cast<double>(undone.updates));
  lua::set_field(L, "deletes", static_cast<double>(undone.deletes));
  lua::set_field(L, "left", static_cast<double>(undone.left));
  lua_createtable(L, static_cast<int>(undone.unrestored.size()), 0);
  int at = 0;
  for (const auto& [column, rows] : undone.unrestored) {
    lua_createtable(L, 0, 3);
    lua::set_field(L, "table", column.first);
    lua::set_field(L, "column", column.second);
    lua::set_field(L, "rows", static_cast<double>(rows));
    lua_rawseti(L, -2, ++at);
  }
  lua_setfield(L, -2, "unrestored");
  return 1;
}

/// undone:record(batch, { run, step, number }): what was left, after batch:record.
int undone_record(lua_State* L) {
  auto& batch = lua::Object<BatchHandle>::check(L, 2);
  journal::record_conflicts(batch.recorded(), batch_id_at(L, 3), UndoneObject::check(L, 1));
  return 0;
}

/// leave(batch, { run, step, number }, step name, key, why): an item of a schema step that stays, after batch:record.
int leave(lua_State* L) {
  auto& batch = lua::Object<BatchHandle>::check(L, 1);
  journal::record_left(batch.recorded(), batch_id_at(L, 2), lua::check_string(L, 3), lua::strings(L, 4),
                       lua::check_string(L, 5));
  return 0;
}

/// planner(reader, most_conflicts)
int open_planner(lua_State* L) {
  auto reader = lua::Object<ReaderHandle>::check(L, 1).reader;
  if (!reader) throw Error{"session.closed", "this read session is closed"};
  auto& session = *reader;
  journal::Looker looker{[&](const auto& sql, const auto& parameters) { return session.query(sql, parameters); },
                         session.connection()};
  auto most = static_cast<std::size_t>(luaL_checknumber(L, 2));
  PlannerObject::make(L, std::move(reader), std::make_unique<journal::UndoPlanner>(std::move(looker), most));
  return 1;
}

/// planner:add{ run, step, number }: the newest batch first.
int planner_add(lua_State* L) {
  PlannerObject::check(L, 1).planner->add(batch_id_at(L, 2));
  return 0;
}

template <class Names>
void set_names(lua_State* L, const char* field, const Names& names) {
  lua::push(L, std::vector<std::string>{names.begin(), names.end()});
  lua_setfield(L, -2, field);
}

void set_counts(lua_State* L, const char* field, const std::map<journal::Change, std::uint64_t>& counts) {
  lua_createtable(L, 0, static_cast<int>(counts.size()));
  for (const auto& [change, count] : counts)
    lua::set_field(L, std::string{journal::word_of(change)}.c_str(), static_cast<double>(count));
  lua_setfield(L, -2, field);
}

void set_text(lua_State* L, const char* field, const std::optional<std::string>& text) {
  if (text) lua::set_field(L, field, *text);
}

void push_conflict(lua_State* L, const journal::Conflict& conflict) {
  lua_createtable(L, 0, 7);
  lua::set_field(L, "table", conflict.table);
  set_names(L, "key", journal::fields_of(conflict.key));
  lua::set_field(L, "reason", conflict.reason);
  if (!conflict.column.empty()) lua::set_field(L, "column", conflict.column);
  set_text(L, "old", conflict.old);
  set_text(L, "wrote", conflict.wrote);
  set_text(L, "found", conflict.found);
}

/// planner:plan() -> { restored, left, conflict_count, conflicts = { ... }, tables = { { table, gone, rows = { insert =
/// n }, left, triggers, indirect, unsettable, gained } } }
int planner_plan(lua_State* L) {
  const auto& plan = PlannerObject::check(L, 1).planner->plan();
  lua_createtable(L, 0, 5);
  lua::set_field(L, "restored", static_cast<double>(plan.restored));
  lua::set_field(L, "left", static_cast<double>(plan.left));
  lua::set_field(L, "conflict_count", static_cast<double>(plan.conflict_count));
  lua_createtable(L, static_cast<int>(plan.conflicts.size()), 0);
  for (std::size_t at = 0; at < plan.conflicts.size(); ++at) {
    push_conflict(L, plan.conflicts[at]);
    lua_rawseti(L, -2, static_cast<int>(at + 1));
  }
  lua_setfield(L, -2, "conflicts");
  lua_createtable(L, static_cast<int>(plan.tables.size()), 0);
  int place = 0;
  for (const auto& [name, table] : plan.tables) {
    lua_createtable(L, 0, 8);
    lua::set_field(L, "table", name);
    lua::set_flag(L, "gone", table.gone);
    set_counts(L, "rows", table.rows);
    set_counts(L, "left", table.left);
    set_names(L, "triggers", table.triggers);
    set_names(L, "indirect", table.indirect);
    set_names(L, "unsettable", table.unsettable);
    set_names(L, "gained", table.gained);
    lua_rawseti(L, -2, ++place);
  }
  lua_setfield(L, -2, "tables");
  return 1;
}

}  // namespace

void open_undo(lua_State* L) {
  static const luaL_Reg undone[] = {
      {"figures", lua::guarded<undone_figures>}, {"record", lua::guarded<undone_record>}, {nullptr, nullptr}};
  static const luaL_Reg planner[] = {
      {"add", lua::guarded<planner_add>}, {"plan", lua::guarded<planner_plan>}, {nullptr, nullptr}};
  UndoneObject::define(L, undone);
  PlannerObject::define(L, planner);
  module(L, "opsh.native.undo",
         {{"restore", lua::guarded<restore>}, {"leave", lua::guarded<leave>}, {"planner", lua::guarded<open_planner>}});
}

}  // namespace opsh::bind
