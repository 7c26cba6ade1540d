#include "journal/simulation.hpp"

#include "bind/module.hpp"
#include "bind/session.hpp"

namespace opsh::lua {
template <>
const char* Object<bind::SimulationHandle>::name = "opsh.simulation";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using SimulationObject = lua::Object<SimulationHandle>;

/// open(target, run): connects, and begins the transaction that is never committed.
int open_one(lua_State* L) {
  auto simulation = std::make_shared<journal::Simulation>(target_at(L, 1), lua::check_string(L, 2));
  show_notices(simulation->writer().connection());
  SimulationObject::make(L, std::move(simulation));
  return 1;
}

/// simulation:begin(writes): as ledger:begin.
int begin_batch(lua_State* L) {
  auto& handle = SimulationObject::check(L, 1);
  auto batch = std::make_shared<journal::SimulatedBatch>(handle.get(), writes_at(L, 2));
  lua::Object<BatchHandle>::make(L, handle.simulation, std::move(batch), nullptr);
  return 1;
}

void push_table(lua_State* L, const journal::TouchedTable& table) {
  lua_createtable(L, 0, 8);
  lua::set_field(L, "name", table.name);
  lua::set_field(L, "inserted", static_cast<double>(table.kept.inserted));
  lua::set_field(L, "updated", static_cast<double>(table.kept.updated));
  lua::set_field(L, "deleted", static_cast<double>(table.kept.deleted));
  lua::set_field(L, "dead", static_cast<double>(table.dead));
  if (!table.lock.empty()) lua::set_field(L, "lock", table.lock);
  lua::set_flag(L, "undeclared", table.undeclared);
  lua::set_flag(L, "forbidden", table.forbidden);
}

void push_sequence(lua_State* L, const journal::MovedSequence& sequence) {
  lua_createtable(L, 0, 3);
  lua::set_field(L, "name", sequence.name);
  if (sequence.before) lua::set_field(L, "before", *sequence.before);
  if (sequence.after) lua::set_field(L, "after", *sequence.after);
}

/// simulation:finish() -> { transaction, status, seconds, wal_bytes, counted, tables = { { name, inserted, updated,
/// deleted, dead, lock, undeclared, forbidden } }, sequences = { { name, before, after } } }: rolled back.
int finish(lua_State* L) {
  journal::Traces traces = SimulationObject::check(L, 1).get().finish();
  lua_createtable(L, 0, 7);
  lua::set_field(L, "transaction", traces.transaction);
  if (!traces.status.empty()) lua::set_field(L, "status", traces.status);
  lua::set_field(L, "seconds", traces.seconds.count());
  if (traces.wal_bytes) lua::set_field(L, "wal_bytes", static_cast<double>(*traces.wal_bytes));
  lua::set_flag(L, "counted", traces.counted);
  lua::set_list(L, "tables", traces.tables, [&](const auto& table) { push_table(L, table); });
  lua::set_list(L, "sequences", traces.sequences, [&](const auto& sequence) { push_sequence(L, sequence); });
  return 1;
}

int close_simulation(lua_State* L) {
  auto& simulation = SimulationObject::check(L, 1).simulation;
  // Cursors and batches may still share it.
  if (simulation) simulation->close();
  simulation.reset();
  return 0;
}

}  // namespace

journal::Simulation& SimulationHandle::get() const {
  if (!simulation) throw Error{"session.closed", "this simulation is over"};
  return *simulation;
}

void open_simulation(lua_State* L) {
  static const luaL_Reg simulation[] = {{"begin", lua::guarded<begin_batch>},
                                        {"finish", lua::guarded<finish>},
                                        {"close", lua::guarded<close_simulation>},
                                        {nullptr, nullptr}};
  SimulationObject::define(L, simulation);
  module(L, "opsh.native.simulation", {{"open", lua::guarded<open_one>}});
}

}  // namespace opsh::bind
